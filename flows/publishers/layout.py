"""Which rows and columns are in which file of a version."""

from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.publishers.parquet import write_shards
from flows.versions import SPLIT, split_note
from quality.formats import FORMATS
from quality.funnel import content_hash
from schemas.frames import MESSAGE, OPTIONAL
from schemas.manifest import DatasetManifest

#: Splits in the order in which they are listed.
SPLITS: Final = ("train", "validation", "test")

_METADATA = ("id", "source", "license", "teacher", "request_key", "parents")
_TEXTS = ("messages", "system", "instruction", "input", "output")
_PLACE = ("file", "row", "raw", SPLIT)


def make_configs(
    rows: pl.DataFrame, *, whole: pl.DataFrame | None = None
) -> dict[str, pl.DataFrame]:
    """Return the configs of a version.

    Alpaca holds what fits one exchange, preference what has an answer that lost.

    Args:
        rows: frame of ROWS, or a part of it.
        whole: what it is a part of: all splits of a config must have the same columns; null: it is
            the whole.
    """
    whole = rows if whole is None else whole
    optional = [name for name in OPTIONAL if whole[name].is_not_null().any()]
    others = (*_METADATA, *_TEXTS, *OPTIONAL, *_PLACE)
    scores = [name for name in rows.columns if name not in others]
    default = rows.select(*_METADATA[:1], *_TEXTS, *optional, *_METADATA[1:], *scores)
    default = default.with_columns(pl.col("messages").cast(pl.List(MESSAGE)))
    rendered = {name: FORMATS[name].render(rows) for name in ("alpaca", "preference")}
    return {"default": default, **{name: one for name, one in rendered.items() if one.height}}


def write_configs(rows: pl.DataFrame, folder: Path) -> None:
    """Write `data/<config>/<split>-*.parquet`; a split without rows in a config has no file.

    Args:
        rows: with `split`, sorted by split and id, so that files read in the order of their names
            give the rows in this order.
        folder: of the version.
    """
    for part in rows.partition_by(SPLIT, maintain_order=True):
        for name, frame in make_configs(part, whole=rows).items():
            write_shards(frame, folder / "data" / name, split=part[SPLIT][0])


def describe_splits(rows: pl.DataFrame) -> dict[str, Any]:
    """Return rows by config and split, and a hash of which row is where."""
    counts: dict[str, dict[str, int]] = {}
    for part in rows.partition_by(SPLIT):
        for name, frame in make_configs(part).items():
            counts.setdefault(name, {})[part[SPLIT][0]] = frame.height
    return {
        "rows": {
            config: {split: found[split] for split in SPLITS if split in found}
            for config, found in counts.items()
        },
        "sha256": hash_splits(rows),
    }


def hash_splits(rows: pl.DataFrame) -> str:
    """Hash which row is in which split: SHA-256 over the sorted lines `id split`."""
    lines = rows.select(pl.format("{} {}", "id", SPLIT)).to_series()
    return content_hash(lines)


def splits_of(manifest: DatasetManifest, config: str) -> list[str]:
    """Return the splits of a config, `train` first."""
    rows = split_note(manifest).get("rows", {})
    return list(rows.get(config, {"train": 0}))
