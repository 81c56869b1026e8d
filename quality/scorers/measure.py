"""Turn an expression over a ROWS frame into a score column."""

import polars as pl


def measure(rows: pl.DataFrame, name: str, score: pl.Expr) -> pl.Series:
    """Evaluate `score` on every row.

    Args:
        rows: frame with the columns that `score` reads.
        name: name of the returned series.
        score: expression of one value per row; NaN becomes null.

    Returns:
        Float64 series of `rows.height` values; null = abstained.

    Example:
        >>> measure(pl.DataFrame({"x": [0.0, 2.0]}), "half", pl.col("x") / pl.col("x")).to_list()
        [None, 1.0]
    """
    return rows.select(score.cast(pl.Float64).fill_nan(None).alias(name)).to_series()


def flag(found: pl.Expr) -> pl.Expr:
    """Return 1.0 where `found` is True, 0.0 where False, null where null."""
    return found.cast(pl.Float64)
