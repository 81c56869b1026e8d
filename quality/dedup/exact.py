"""Exact duplicates: equal text in every column after folding case and white space."""

import polars as pl

from quality.dedup.shingles import fold, row_ids
from schemas.errors import RunError
from schemas.frames import PAIRS, empty_frame

COLUMNS = ("instruction", "input", "output")
#: Evidence of every exact pair. Equality is transitive, so `choose_survivors` closes these pairs.
EQUAL = "equal after folding case and white space"


def exact_pairs(rows: pl.DataFrame, columns: tuple[str, ...] = COLUMNS) -> pl.DataFrame:
    """Pair the rows whose text is equal in all `columns`.

    Every row of a group is paired with the smallest id of the group only; equality is transitive,
    so the other pairs follow, and `choose_survivors` derives them where the best row of a group
    is not the one with the smallest id.

    Args:
        rows: frame with a unique String `id` and String `columns`; null counts as "".
        columns: the columns that must all be equal.

    Returns:
        PAIRS, similarity 1.0, sorted by `id_a`, `id_b`. Rows without any text pair with nothing.

    Raises:
        RunError: if a column is missing or an id occurs twice.
    """
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        msg = f"expected columns {columns!r} to deduplicate by, got {rows.columns!r}"
        raise RunError(msg)
    row_ids(rows)
    if rows.is_empty():
        return empty_frame(PAIRS)
    folded = rows.select("id", *(_folded(column) for column in columns))
    filled = folded.filter(pl.any_horizontal(pl.col(*columns) != ""))
    return (
        filled.with_columns(id_a=pl.col("id").min().over(list(columns)))
        .filter(pl.col("id") != pl.col("id_a"))
        .select("id_a", id_b="id", similarity=pl.lit(1.0), evidence=pl.lit(EQUAL))
        .sort("id_a", "id_b")
    )


def _folded(column: str) -> pl.Expr:
    """Fold in Python, not with `str.to_lowercase`: casefolding joins "Straße" and "STRASSE"."""
    return pl.col(column).fill_null("").map_elements(fold, return_dtype=pl.String)
