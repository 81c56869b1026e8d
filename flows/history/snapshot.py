"""What a comparison needs of a version, read from its directory or from a run that ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.versions import Version, read_decisions, scan_rows
from schemas.errors import InputError
from schemas.frames import DECISIONS, ROWS, empty_frame
from schemas.manifest import DatasetManifest

#: Long texts that no comparison looks at: the id is a hash of the messages.
_UNREAD = ("messages", "raw")
_NEEDED = ("id", "source", "system", "instruction", "input")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version as it is compared.

    Attributes:
        manifest: of the version.
        rows: the default config with `split`, without the longest texts.
        decisions: DECISIONS, as far as the version has them.
        recipe: as its file says it; empty where there is none.
    """

    manifest: DatasetManifest
    rows: pl.DataFrame
    decisions: pl.DataFrame
    recipe: Mapping[str, Any]


def read_snapshot(version: Version) -> Snapshot:
    """Read a version, made by any feingold.

    Raises:
        InputError: if its rows are not here.
    """
    folder = version.folder
    try:
        rows = scan_rows(folder).drop(*_UNREAD, strict=False).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        line = str(error).splitlines()[0][:200]
        msg = f"expected rows in {folder / 'data' / 'default'}, got {line!r}: restore the version"
        raise InputError(msg) from error
    has_decisions = any((folder / "decisions").glob("*.parquet"))
    decisions = read_decisions(folder) if has_decisions else empty_frame(DECISIONS)
    return Snapshot(version.manifest, with_needed(rows), decisions, read_recipe(folder))


def with_needed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add columns that a comparison names and an old version lacks, without values."""
    missing = [name for name in _NEEDED if name not in rows.columns]
    return rows.with_columns(pl.lit(None, ROWS[name]).alias(name) for name in missing)


def read_recipe(folder: Path) -> Mapping[str, Any]:
    """Return the fields that the recipe of a version names; empty where it cannot be read."""
    try:
        return parse_fields((folder / "recipe.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def parse_fields(text: str) -> Mapping[str, Any]:
    """Return the fields that a recipe names, valid today or not."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
