"""Starts flows: environment, one run of a dataset at a time, and the summary for people."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.disk import require_writable, user_disk_errors
from flows.ingest import expand_paths
from flows.recipes import LoadedRecipe
from flows.session import RunSpec, session_for
from flows.store import Store
from flows.teachers.resolve import locate_teachers, require_models

# Set before Prefect is imported; what the user has set stays.
_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare_environment() -> None:
    """Quiet the libraries and turn their telemetry off."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def make_spec(
    loaded: LoadedRecipe,
    *,
    home: Path,
    out: Path,
    offline: bool = False,
    workers: int | None = None,
) -> RunSpec:
    """Describe a run.

    Raises:
        InputError: if `home` or `out` cannot be written, or a labelled or model file is not there.
    """
    for directory in (home, out):
        require_writable(directory)
    require_models(locate_teachers(loaded.recipe, loaded.base))
    student = loaded.recipe.student
    named = [] if student is None else [*student.labels, *filter(None, [student.path])]
    for pattern in (*named, *loaded.recipe.labels):
        expand_paths(pattern, loaded.base)  # what is read late is missed at once
    return RunSpec(
        name=loaded.recipe.name,
        home=str(home.resolve()),
        out=str(out),
        base=str(loaded.base),
        recipe_json=loaded.recipe.model_dump_json(exclude_unset=True),
        recipe_text=loaded.text,
        offline=offline,
        workers=workers,
    )


@contextmanager
def only_run(home: Path, name: str) -> Iterator[None]:
    """Hold a dataset for one run; another one waits, because both share one budget.

    Runs of other datasets in the same home go on beside it: they share the journal.
    """
    from filelock import FileLock, Timeout

    folder = home / "runs"
    with user_disk_errors(home):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(f"waiting for another run of {name} in {home} to end")
            lock.acquire()
    try:
        Store(home).clear_drafts()
        yield
    finally:
        lock.release()


def run_recipe(spec: RunSpec) -> dict[str, Any]:
    """Run the main flow and return its summary.

    Raises:
        FeingoldError: with the summary so far.
    """
    prepare_environment()
    with only_run(Path(spec.home), spec.name):
        session_for(spec)  # starts the clock before Prefect, which takes seconds to import
        from prefect import tags

        from flows.pipeline import run_flow

        with tags("feingold", spec.name):
            summary: dict[str, Any] = run_flow(spec)
    return summary


def run_generators(spec: RunSpec) -> None:
    """Go through a recipe's generators as far as the journal allows; nothing is published.

    Raises:
        FeingoldError: where a reply is missing.
    """
    prepare_environment()
    with only_run(Path(spec.home), spec.name):
        session_for(spec)
        from prefect import tags

        from flows.pipeline import collect_flow

        with tags("feingold", spec.name):
            collect_flow(spec)


def run_tables(verb: str, spec: RunSpec, out: Path) -> dict[str, Any]:
    """Run the flow behind `dedup` or `score` and return its summary.

    Raises:
        FeingoldError: if it fails.
    """
    prepare_environment()
    with only_run(Path(spec.home), spec.name):
        session_for(spec)
        from prefect import tags

        if verb == "score":
            from flows.tables import score_flow as chosen
        else:
            from flows.dedup.verb import dedup_flow as chosen

        with tags("feingold", spec.name):
            summary: dict[str, Any] = chosen(spec, str(out))
    return summary


def explore(
    spec: RunSpec, out: Path, *, thresholds: Sequence[float] = (), sample: int = 0
) -> dict[str, Any]:
    """Show what a deduplication would find; nothing is dropped.

    Args:
        spec: the files and how they are deduplicated.
        out: directory of the table.
        thresholds: similarities to compare; none: recall and precision are measured instead.
        sample: rows of which duplicates are planted for that.

    Raises:
        FeingoldError: if it fails.
    """
    prepare_environment()
    with only_run(Path(spec.home), spec.name):
        session_for(spec)
        from prefect import tags

        from flows.dedup.exploring import calibrate_flow, thresholds_flow

        with tags("feingold", spec.name):
            found: dict[str, Any] = (
                thresholds_flow(spec, str(out), list(thresholds))
                if thresholds
                else calibrate_flow(spec, str(out), sample)
            )
    return found


def tell(text: str) -> None:
    """Show people something on stderr."""
    print(text, file=sys.stderr)
