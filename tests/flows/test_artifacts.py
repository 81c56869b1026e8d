"""What Prefect's pages show of a run, and that a run does not depend on them."""

from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows import artifacts
from flows.artifacts import RunProgress, failure_artifacts, publish_artifacts
from schemas.errors import RunError
from schemas.manifest import Published
from tests.flows.test_terminal import make_summary

_NAME = "artifact-rivers"


def make_version(folder: Path) -> Published:
    """A folder with what the artifacts name."""
    (folder / "README.md").write_text("# Rivers\n", encoding="utf-8")
    (folder / "report.html").write_text("", encoding="utf-8")
    return Published(str(folder), "1.0.0", "ab" * 32, is_new=True)


def read_artifacts() -> dict[str, Any]:
    """The newest artifact of each key of this test's dataset."""
    # The server is everybody's: of all artifacts, these may not be among the first.
    wanted = ArtifactFilter(key=ArtifactFilterKey(like_=f"{_NAME}-%"))
    with get_client(sync_client=True) as client:
        mine = client.read_artifacts(artifact_filter=wanted)
    return {item.key: item for item in sorted(mine, key=lambda item: item.updated)}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
def test_pages_show_funnel_card_progress_report_and_failure(tmp_path: Path) -> None:
    published = make_version(tmp_path)
    summary = make_summary(dataset=_NAME)

    @flow
    def attach() -> None:
        progress = RunProgress(_NAME)
        progress.reach(10, "read")
        progress.reach(100, "published")
        publish_artifacts(summary, published)
        failure_artifacts(summary, RunError("expected rows | <b>none</b>\n# no title"))

    attach()
    found = read_artifacts()
    shown = {key.removeprefix(_NAME + "-") for key in found}
    assert shown == {"progress", "funnel", "rules", "card", "report", "failure"}
    assert found[f"{_NAME}-progress"].data == 100
    assert '"kept": 7' in found[f"{_NAME}-funnel"].data
    assert found[f"{_NAME}-card"].data == "# Rivers\n"
    assert (tmp_path / "report.html").as_uri() in found[f"{_NAME}-report"].data
    failure = found[f"{_NAME}-failure"].data
    assert "| rows_in | 10 |" in failure
    assert "    expected rows | <b>none</b>\n    # no title\n" in failure


def test_a_run_goes_on_where_the_pages_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("database is\nlocked")

    for name in ("table", "markdown", "link", "progress"):
        monkeypatch.setattr(artifacts, f"create_{name}_artifact", fail)
    publish_artifacts(make_summary(), make_version(tmp_path))
    failure_artifacts(make_summary(), RunError("out of rows"))
    RunProgress("rivers").reach(50, "half")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 7
    assert set(said) == {
        "Prefect's pages will not show all of this run: OSError: database is locked"
    }


def test_a_version_whose_card_is_gone_fails_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached: list[object] = []
    for name in ("table", "link"):
        monkeypatch.setattr(
            artifacts, f"create_{name}_artifact", lambda **given: attached.append(given["key"])
        )
    publish_artifacts(make_summary(), Published(str(tmp_path), "1.0.0", "", is_new=True))
    assert attached == ["rivers-funnel", "rivers-rules", "rivers-report"]
