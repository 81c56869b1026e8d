"""Answers that fail the check of their row."""

import polars as pl

from quality.filters.check import Check, require_column
from quality.scorers.verified import read_check


def verified(column: str = "output") -> Check:
    """Drop rows whose output fails the check that the row carries.

    Args:
        column: "output", the text the `verified` scorer reads.

    Returns:
        A check that keeps rows without one, without measuring them, and abstains where the check
        cannot tell.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.verified`.

    Example:
        >>> about = '{"check": {"kind": "title"}}'
        >>> frame = pl.DataFrame({"about": [about, about, None], "verified": [1.0, 0.0, None]})
        >>> frame.select(verified().keep)["verified"].to_list()
        [True, False, True]
    """
    require_column(column, "output")
    has_check = pl.col("about").map_elements(_has_check, return_dtype=pl.Boolean)
    measured = pl.col("verified")
    return Check(
        measured=measured,
        keep=pl.when(has_check.fill_null(value=False))
        .then(measured >= 1.0)
        .otherwise(statement=True),
        threshold=1.0,
        evidence=pl.col("about").str.slice(0, 200),
        scorers=("verified",),
    )


def _has_check(about: str) -> bool:
    return read_check(about) is not None
