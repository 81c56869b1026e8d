"""Puts the rows of a run into splits, as earlier versions did with theirs."""

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from flows.publishers.layout import describe_splits
from flows.session import Session
from flows.versions import SPLIT, list_versions, read_manifest, scan_rows, split_note
from schemas.recipe import SplitOptions

#: A split that misses its share of all rows by more than this is called out.
_FAR = 0.02


class SplitRows(NamedTuple):
    """Rows with their split.

    Attributes:
        rows: with `split`, sorted by it and by id.
        note: for the manifest; empty where the recipe asks for no splits.
    """

    rows: pl.DataFrame
    note: dict[str, Any]


def split_rows(session: Session, rows: pl.DataFrame, folder: Path) -> SplitRows:
    """Add the column `split`.

    Args:
        session: the run.
        rows: what is published.
        folder: of the dataset, with its earlier versions.
    """
    options = session.recipe.splits
    if options is None:
        return SplitRows(rows.with_columns(pl.lit("train").alias(SPLIT)).sort("id"), {})
    # numba and scipy take a second to import; a recipe without splits needs neither.
    from quality.splits import Related, assign_splits, group_rows

    related = Related(options.similarity, options.same_instruction, options.together)
    grouped = rows.with_columns(group_rows(rows, related).alias("group"))
    shares = {"test": options.test, "validation": options.validation}
    found = assign_splits(grouped, shares, seed=session.recipe.seed, earlier=earlier_splits(folder))
    placed = rows.with_columns(found.names.alias(SPLIT)).sort(SPLIT, "id")
    largest = grouped["group"].value_counts()["count"].max()
    note = describe_splits(placed) | {
        "groups": grouped["group"].n_unique(),
        "largest_group": largest,
        "torn": found.torn.height,
    }
    _call_out(session, options, placed, largest)
    return SplitRows(placed, note)


def earlier_splits(folder: Path) -> pl.DataFrame:
    """Return `id` and `split` of every row of earlier versions that had splits, as it was last."""
    parts = [pl.DataFrame(schema={"id": pl.String, SPLIT: pl.String})]
    for version in reversed(list_versions(folder)):
        path = folder / str(version)
        if split_note(read_manifest(path)):
            parts.append(scan_rows(path).select("id", SPLIT).collect())
    return pl.concat(parts).unique("id", keep="first", maintain_order=True)


def _call_out(
    session: Session, options: SplitOptions, placed: pl.DataFrame, largest: object
) -> None:
    for name in ("test", "validation"):
        wanted = getattr(options, name)
        got = (placed[SPLIT] == name).sum() / placed.height
        if abs(got - wanted) > _FAR:
            session.progress.say(
                f"{name} has {got:.1%} of the rows instead of {wanted:.1%}: groups stay whole, the "
                f"largest has {largest:,} rows; see `splits` in the recipe"
            )
