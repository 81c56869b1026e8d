"""What Prefect's pages show of a run: the funnel as a table, the card as Markdown."""

from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from schemas.manifest import Published


def publish_artifacts(summary: dict[str, Any], published: Published) -> None:
    """Attach the funnel and the card to the flow run.

    Args:
        summary: of the run.
        published: the version.
    """
    key = summary["dataset"]
    columns = ("stage", "rows_in", "kept", "dropped", "quarantined")
    funnel = [{name: stage[name] for name in columns} for stage in summary["stages"]]
    create_table_artifact(table=funnel, key=f"{key}-funnel", description="Rows by stage")
    card = (Path(published.path) / "README.md").read_text(encoding="utf-8")
    create_markdown_artifact(markdown=card, key=f"{key}-card", description="Dataset card")
