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
    values = rows.select(score.cast(pl.Float64).alias(name)).to_series()
    # Inside the expression, `fill_nan` would evaluate the score twice.
    return values.fill_nan(None)


def measure_where(
    rows: pl.DataFrame,
    name: str,
    suspects: pl.Expr,
    score: pl.Expr,
    *,
    otherwise: float | None = None,
) -> pl.Series:
    """Evaluate `score` only on the rows that a cheap first look picks.

    Args:
        rows: frame with the columns that `suspects` and `score` read.
        name: name of the returned series.
        suspects: Boolean expression, one value per row; null picks nothing.
        score: expression of one value per row; NaN becomes null.
        otherwise: value of the rows not picked; null = abstained.

    Returns:
        Float64 series of `rows.height` values.

    Example:
        >>> rows = pl.DataFrame({"x": [1.0, 4.0]})
        >>> root = pl.col("x").sqrt()
        >>> measure_where(rows, "root", pl.col("x") > 2, root, otherwise=0.0).to_list()
        [0.0, 2.0]
    """
    picked = rows.select(suspects.fill_null(value=False).alias("picked")).to_series()
    full = pl.repeat(otherwise, rows.height, dtype=pl.Float64, eager=True).alias(name)
    places = picked.arg_true()
    if places.len() == 0:
        return full
    return full.scatter(places, measure(rows.filter(picked), name, score))


def flag(found: pl.Expr) -> pl.Expr:
    """Return 1.0 where `found` is True, 0.0 where False, null where null."""
    return found.cast(pl.Float64)
