"""Published versions and score files with few rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from quality.filters.engine import apply_filters
from quality.scorers import add_scores
from schemas.frames import DECISIONS, empty_frame
from schemas.manifest import DatasetManifest, RequestCounts, TokenCounts
from tests.support.rows import make_decisions, make_row, make_rows

WriteVersion = Callable[..., Path]
RULES: list[dict[str, Any]] = [{"rule": "needs_tools"}, {"rule": "empty_output"}]


def sample_rows(count: int = 40) -> pl.DataFrame:
    """Plain rows, every fourth a task that no text can answer, every tenth without an answer."""
    rows = []
    for place in range(count):
        task = f"Draw a picture of thing {place}." if place % 4 == 0 else f"Explain thing {place}."
        answer = "" if place % 10 == 9 else f"Thing {place} is a thing, because it is one."
        rows.append(make_row(task, answer, source="ab"[place % 2], row=place))
    return make_rows(rows)


def manifest(**changes: Any) -> DatasetManifest:
    fields: dict[str, Any] = {
        "feingold": "0", "name": "set", "version": "1.0.0", "parent_version": None,
        "content_sha256": "0", "recipe_sha256": "0", "code_version": "0", "created": "2026-01-01",
        "rows_in": 0, "kept": 0, "dropped": 0, "quarantined": 0, "by_rule": {},
        "by_stage": [{"stage": name} for name in ("ingest", "dedup", "filter", "select")],
        "sources": [], "teacher": None, "license": "unknown", "languages": ["en"],
        "requests": RequestCounts(), "tokens": TokenCounts(), "cost_usd": 0.0, "configs": {},
        "notes": {}, "files": [],
    }  # fmt: skip
    return DatasetManifest(**{**fields, **changes})


@pytest.fixture
def write_version(tmp_path: Path) -> WriteVersion:
    """Write a version: its rows scored, filtered by its recipe, and a few dropped as duplicates."""

    def write(
        rows: pl.DataFrame,
        rules: Sequence[Mapping[str, Any]] = RULES,
        *,
        duplicates: int = 2,
        scorers: Sequence[str] | None = None,
        notes: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
        name: str = "set",
    ) -> Path:
        folder = tmp_path / name / "1.0.0"
        scored = add_scores(rows) if scorers is None else add_scores(rows, scorers)
        twins, rest = scored.head(duplicates), scored.slice(duplicates)
        result = apply_filters(rest, rules)
        lines = make_decisions(
            [
                {"id": row_id, "stage": "dedup", "rule": "exact", "action": "drop"}
                for row_id in twins["id"]
            ]
        )
        decisions = pl.concat([empty_frame(DECISIONS), lines, result.decisions])
        for place, frame in (
            ("data/default", result.kept),
            ("rejects", pl.concat([twins, result.dropped])),
            ("decisions", decisions),
        ):
            (folder / place).mkdir(parents=True)
            frame.write_parquet(folder / place / "train-00000-of-00001.parquet")
        fields = {"name": "set", "filters": [dict(rule) for rule in rules], **(recipe or {})}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(fields))
        described = manifest()
        described.by_stage[2]["notes"] = dict(notes or {})  # the filter's
        (folder / "manifest.json").write_text(described.model_dump_json())
        return folder

    return write
