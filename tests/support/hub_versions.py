"""Small published versions, made without a run."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from flows.publishers.card import render_card
from flows.publishers.parquet import write_shards
from quality.formats import FORMATS
from schemas.frames import MESSAGE
from schemas.manifest import DatasetManifest, FileRecord
from tests.support.rows import make_decisions, make_row, make_rows

_COLUMNS = (
    "id", "messages", "system", "instruction", "input", "output", "source", "license", "teacher",
    "request_key", "parents",
)  # fmt: skip
BASE: dict[str, Any] = {
    "feingold": "0.1.0", "name": "set", "version": "1.0.0", "parent_version": None,
    "content_sha256": "c", "recipe_sha256": "r", "code_version": "v",
    "created": "2026-01-01T00:00:00+00:00", "rows_in": 0, "kept": 0, "dropped": 0,
    "quarantined": 0, "by_rule": {}, "by_stage": [], "sources": [], "teacher": None,
    "license": "MIT", "languages": ["en"],
    "requests": {"sent": 0, "replayed": 0, "failed": 0}, "tokens": {"prompt": 0, "completion": 0},
    "cost_usd": 0.0, "configs": {}, "notes": {}, "files": [],
}  # fmt: skip


def plain_rows(*texts: str, **more: Any) -> list[dict[str, Any]]:
    """Rows under MIT."""
    return [make_row(text, license="MIT", **more) for text in texts]


def publish(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    rejects: Sequence[Mapping[str, Any]] = (),
    columns: Mapping[str, Sequence[Any]] | None = None,
    evidence: str = "0 words",
    **changes: Any,
) -> Path:
    """Write a version of these rows below `folder` and return its directory.

    Args:
        folder: of the dataset.
        rows: kept.
        rejects: dropped.
        columns: further columns of the kept rows.
        evidence: of the decisions about the dropped ones.
        changes: fields of the manifest.
    """
    version = str(changes.get("version", "1.0.0"))
    path = folder / version
    kept = make_rows(rows, **(columns or {})).sort("id")
    default = kept.select(*_COLUMNS, *(columns or {}))
    default = default.with_columns(pl.col("messages").cast(pl.List(MESSAGE)))
    configs = {"default": default, "alpaca": FORMATS["alpaca"].render(kept)}
    for name, frame in configs.items():
        write_shards(frame, path / "data" / name)
    dropped = make_rows(rejects)
    lines = [
        {"id": row["id"], "rule": "min_words", "action": "drop", "evidence": evidence}
        for row in rejects
    ]
    write_shards(make_decisions(lines), path / "decisions", split="decisions")
    write_shards(dropped, path / "rejects", split="rejects")
    for place, column in (("twins/random", "id"), ("signatures/lexical-00000", "row")):
        (path / place).parent.mkdir(exist_ok=True)
        kept.select(column).write_parquet(path / f"{place}.parquet")
    (path / "recipe.yaml").write_text("name: set\n", encoding="utf-8")
    manifest = DatasetManifest.model_validate(
        BASE
        | {"kept": kept.height, "dropped": dropped.height, "rows_in": kept.height + dropped.height}
        | {"configs": {name: frame.height for name, frame in configs.items()}}
        | changes
    )
    (path / "README.md").write_text(render_card(manifest, kept), encoding="utf-8")
    stand_in_report(path, manifest)
    complete = manifest.model_copy(update={"files": list_files(path)})
    (path / "manifest.json").write_text(complete.model_dump_json(indent=1), encoding="utf-8")
    return path


def stand_in_report(folder: Path, manifest: DatasetManifest) -> Path:
    """Write a page that shows what a report could show, in no time."""
    shown = [pl.read_parquet(folder / part / "*.parquet") for part in ("data/default", "rejects")]
    page = folder / "report.html"
    page.write_text(f"{manifest.version} {[frame.to_dicts() for frame in shown]}")
    return page


def list_files(folder: Path) -> list[FileRecord]:
    """Every file with its hash, but the manifest."""
    return [
        FileRecord(
            path=path.relative_to(folder).as_posix(),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            bytes=path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    ]
