"""Reads stored scores: those of a published version, or a file that `feingold score` wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.recipes import filter_dicts, load_recipe
from flows.versions import open_version, read_data, read_decisions, read_rejects
from quality.filters import DEFAULT_FILTERS
from quality.filters.engine import OnAbstain
from quality.scorers import SCORERS
from schemas.errors import InputError
from schemas.frames import ROWS
from schemas.manifest import DatasetManifest

_FILTER_STAGE: Final = "filter"
_FINAL: Final = ("drop", "quarantine")


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows with their scores, and the rules that they were held against.

    Attributes:
        rows: rows that reached the filters, kept or not; `id`, `source`, scores, and texts where
            the scores are those of a version.
        aside: rows that never reached them: duplicates, unreadable and contaminated ones.
        rules: filters of the recipe; the default ones where there is no recipe.
        on_abstain: what becomes of a row for which a rule cannot tell.
        names: what was read, as the user gave it.
    """

    rows: pl.DataFrame
    aside: int
    rules: list[dict[str, Any]]
    on_abstain: OnAbstain
    names: list[str]

    @property
    def scores(self) -> list[str]:
        """The score columns."""
        return [
            name
            for name, kind in self.rows.schema.items()
            if name not in ROWS and kind.is_numeric()
        ]


def read_stored(paths: Sequence[Path]) -> Stored:
    """Read versions and score files as one set of rows; the rules are those of the first version.

    Args:
        paths: directories of versions, or Parquet files that `feingold score` wrote.

    Raises:
        InputError: if one is neither.
    """
    found = [_read_one(path) for path in paths]
    rules = next((one for one in found if _has_texts(one)), found[0])
    rows = pl.concat([one.rows for one in found], how="diagonal_relaxed")
    return Stored(
        rows=rows,
        aside=sum(one.aside for one in found),
        rules=rules.rules,
        on_abstain=rules.on_abstain,
        names=[str(path) for path in paths],
    )


def storing_command(columns: Sequence[str]) -> str:
    """Return the command that stores columns.

    Args:
        columns: scores, or text columns of ROWS.

    Example:
        >>> storing_command(["craft"]), storing_command(["craft", "output"])
        ('`feingold score INPUT --scorers craft`', '`feingold curate INPUT`')
    """
    if any(name not in ROWS and name not in SCORERS for name in columns):
        return "`feingold run RECIPE` with the stage that makes it"
    if any(name in ROWS for name in columns):
        return "`feingold curate INPUT`"
    return f"`feingold score INPUT --scorers {','.join(columns)}`"


def _has_texts(stored: Stored) -> bool:
    return "output" in stored.rows.columns


def _read_one(path: Path) -> Stored:
    if path.is_dir():
        return _read_version(path)
    try:
        rows = pl.read_parquet(path)
    except FileNotFoundError as error:
        msg = (
            f"expected a published version or a file that `feingold score` wrote, got no file at "
            f"{path}: check the path"
        )
        raise InputError(msg) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:100]
        msg = (
            f"expected a published version or a Parquet file of scores, got {reason!r} for {path}: "
            f"write one with `feingold score {path}`"
        )
        raise InputError(msg) from error
    stored = Stored(rows, 0, [dict(entry) for entry in DEFAULT_FILTERS], "keep", [str(path)])
    if "id" not in rows.columns or not stored.scores:
        msg = (
            f"expected `id` and score columns, got {rows.columns!r:.200} in {path}: write them "
            f"with `feingold score {path}`"
        )
        raise InputError(msg)
    return _without_unreadable(stored)


def _without_unreadable(stored: Stored) -> Stored:
    """Leave rows aside that could not be read and so have neither id nor scores."""
    read = stored.rows.filter(pl.col("id").is_not_null())
    if "source" not in read.columns:
        named = pl.col("file") if "file" in read.columns else pl.lit(stored.names[0])
        read = read.with_columns(named.cast(pl.String).alias("source"))
    aside = stored.rows.height - read.height
    return Stored(read, aside, stored.rules, stored.on_abstain, stored.names)


def _read_version(path: Path) -> Stored:
    folder, manifest = open_version(path)
    recipe = load_recipe(folder / "recipe.yaml", needs_work=False).recipe
    kept, rejects = read_data(folder), read_rejects(folder)
    seen = _seen_by_filters(folder, manifest)
    dropped = rejects.filter(pl.col("id").is_in(seen.implode()))
    rows = pl.concat([kept, dropped], how="diagonal_relaxed")
    is_listed = isinstance(recipe.filters, tuple)
    rules = filter_dicts(recipe) if is_listed else _unlisted_rules(manifest)
    aside = rejects.height - dropped.height
    return Stored(rows.sort("id"), aside, rules, recipe.on_abstain, [str(path)])


def _seen_by_filters(folder: Path, manifest: DatasetManifest) -> pl.Series:
    """Return the ids that were dropped by the filters or after them."""
    stages = [str(stage["stage"]) for stage in manifest.by_stage]
    after = stages[stages.index(_FILTER_STAGE) :] if _FILTER_STAGE in stages else []
    lines = read_decisions(folder).filter(pl.col("action").is_in(_FINAL))
    return lines.filter(pl.col("stage").is_in(after))["id"]


def _unlisted_rules(manifest: DatasetManifest) -> list[dict[str, Any]]:
    """Return the filters of a run whose recipe lists none: learned from labels, or the default."""
    for stage in manifest.by_stage:
        if stage["stage"] == _FILTER_STAGE and "rules" in (stage.get("notes") or {}):
            return [dict(entry) for entry in stage["notes"]["rules"]]
    return [dict(entry) for entry in DEFAULT_FILTERS]
