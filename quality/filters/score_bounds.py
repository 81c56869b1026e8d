"""Bounds on any score column, the combined quality and a judge's grades among them."""

import polars as pl

from quality.filters.check import Check, Number, Share
from quality.scorers import SCORERS


def min_score(column: str = "quality", *, value: Number = 0.5) -> Check:
    """Keep rows whose score is at least `value`.

    Args:
        column: name of a numeric column: a scorer, or a grade that a judge left.
        value: inclusive lower bound, in the score's own unit.

    Returns:
        A check that abstains where the score is null.

    Source:
        Chen et al. 2023 (AlpaGasus), https://arxiv.org/abs/2307.08701, keeps grades of 4.5 and
        more. Differs: a missing grade is no grade, instead of a low one.

    Example:
        >>> frame = pl.DataFrame({"grade": [4.5, 3.0, None]})
        >>> frame.select(min_score("grade", value=4).keep).to_series().to_list()
        [True, False, None]
    """
    measured = pl.col(column).cast(pl.Float64, strict=False).fill_nan(None)
    return Check(
        measured=measured,
        keep=measured >= value,
        threshold=float(value),
        evidence=pl.lit(None, dtype=pl.String),
        scorers=(column,) if column in SCORERS else (),
    )


def max_score(column: str = "repetition", *, value: Number = 0.5) -> Check:
    """Keep rows whose score is at most `value`.

    Args:
        column: name of a numeric column.
        value: inclusive upper bound, in the score's own unit.

    Returns:
        A check that abstains where the score is null.

    Source:
        As `min_score`.

    Example:
        >>> frame = pl.DataFrame({"toxicity": [0.1, 0.9, None]})
        >>> frame.select(max_score("toxicity", value=0.5).keep).to_series().to_list()
        [True, False, None]
    """
    lower = min_score(column, value=value)
    return Check(
        measured=lower.measured,
        keep=lower.measured <= value,
        threshold=lower.threshold,
        evidence=lower.evidence,
        scorers=lower.scorers,
    )


def min_quality(column: str = "quality", *, value: Share = 0.2) -> Check:
    """Keep rows whose combined quality is at least `value`.

    Args:
        column: name of the column with the quality in 0..1.
        value: inclusive lower bound.

    Returns:
        A check that abstains where nothing can be said about the quality.

    Source:
        See `quality.scorers.quality`.

    Example:
        >>> frame = pl.DataFrame({"quality": [0.9, 0.1]})
        >>> frame.filter(min_quality().keep)["quality"].to_list()
        [0.9]
    """
    return min_score(column, value=value)
