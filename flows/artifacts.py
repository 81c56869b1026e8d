"""What Prefect's pages show of a run: funnel, card, progress, where the report is, why it failed.

A run does not fail because its pages cannot be written: that is said on stderr and nothing else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.runner import tell
from schemas.manifest import Published

_COLUMNS: Final = ("stage", "rows_in", "kept", "dropped", "quarantined")
_MESSAGE_CHARACTERS = 2_000


class RunProgress:
    """The progress of a whole run, in percent; made at the first step, changed at each further."""

    def __init__(self, dataset: str) -> None:
        """Name the dataset; nothing is shown yet."""
        self._key = f"{dataset}-progress"
        self._shown: UUID | None = None

    def reach(self, percent: float, said: str) -> None:
        """Show how far the run is.

        Args:
            percent: 0 to 100.
            said: what was done last.
        """
        _attach(lambda: self._record(percent, said))

    def _record(self, percent: float, said: str) -> None:
        if self._shown is None:
            made: Any = create_progress_artifact(percent, key=self._key, description=said)
            self._shown = UUID(str(made))
        else:
            update_progress_artifact(self._shown, progress=percent, description=said)


def publish_artifacts(summary: Mapping[str, Any], published: Published) -> None:
    """Attach the funnel, the rules, the card and the place of the report to the flow run.

    Args:
        summary: of the run.
        published: the version.
    """
    name, folder = summary["dataset"], Path(published.path).resolve()
    _attach(lambda: _show_counts(summary, f"{name}-funnel", "Rows by stage"))
    _attach(lambda: _show_rules(summary))
    _attach(lambda: _show_card(name, folder))
    report = (folder / "report.html").as_uri()
    text = f"report.html of {name} {published.version}"
    _attach(lambda: create_link_artifact(link=report, link_text=text, key=f"{name}-report"))


def failure_artifacts(summary: Mapping[str, Any], error: Exception) -> None:
    """Attach why a run failed, and the rows so far.

    Args:
        summary: of what was done.
        error: what stopped it.
    """
    name = summary["dataset"]
    counts = ("rows_in", "kept", "dropped", "quarantined")
    rows = "\n".join(f"| {count} | {summary[count]:,} |" for count in counts)
    # Indented text is shown as it is, whatever a file or a teacher put into the message.
    message = "\n".join(f"    {line}" for line in str(error)[:_MESSAGE_CHARACTERS].splitlines())
    said = (
        f"# {name} failed\n\n{message}\n\n| rows so far | |\n| --- | ---: |\n{rows}\n\n"
        "What was done is kept; the same command goes on from here.\n"
    )
    _attach(lambda: create_markdown_artifact(said, key=f"{name}-failure", description="Failure"))
    _attach(lambda: _show_counts(summary, f"{name}-funnel", "Rows by stage, so far"))


def _show_counts(summary: Mapping[str, Any], key: str, description: str) -> None:
    table = [{column: stage[column] for column in _COLUMNS} for stage in summary["stages"]]
    create_table_artifact(table=table, key=key, description=description)


def _show_rules(summary: Mapping[str, Any]) -> None:
    table = [{"rule": rule, "rows": count} for rule, count in summary["by_rule"].items()]
    create_table_artifact(table=table, key=f"{summary['dataset']}-rules", description="Rows out")


def _show_card(name: str, folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    create_markdown_artifact(card, key=f"{name}-card", description="Dataset card")


def _attach(attach: Callable[[], object]) -> None:
    with forgiving():
        attach()


@contextmanager
def forgiving() -> Iterator[None]:
    """Let a fault of Prefect's pages be said and no more: a run does not fail by it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  Prefect raises whatever its client, server or database do
        line = " ".join(str(error).split())[:200]
        tell(f"Prefect's pages will not show all of this run: {type(error).__name__}: {line}")
