"""Bounds on the number of words."""

import polars as pl

from quality.filters.check import Check, Count
from quality.words import count_words


def min_words(column: str = "output", *, value: Count = 1) -> Check:
    """Keep rows whose text has at least `value` words.

    Args:
        column: name of a String column.
        value: inclusive lower bound, in words. One-word answers are good rows: above 1 this rule
            drops them.

    Returns:
        A check that never abstains; null text has 0 words.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446. Differs: no fixed floor of 50.

    Example:
        >>> frame = pl.DataFrame({"output": ["Negative", ""]})
        >>> frame.filter(min_words(value=1).keep)["output"].to_list()
        ['Negative']
    """
    words = count_words(pl.col(column))
    return Check(
        measured=words.cast(pl.Float64),
        keep=words >= value,
        threshold=float(value),
        evidence=pl.col(column),
    )


def max_words(column: str = "output", *, value: Count = 2048) -> Check:
    """Keep rows whose text has at most `value` words.

    Args:
        column: name of a String column.
        value: inclusive upper bound, in words.

    Returns:
        A check that never abstains.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446. Differs: bound for one answer.

    Example:
        >>> frame = pl.DataFrame({"output": ["one two", "one"]})
        >>> frame.filter(max_words(value=1).keep)["output"].to_list()
        ['one']
    """
    words = count_words(pl.col(column))
    return Check(
        measured=words.cast(pl.Float64),
        keep=words <= value,
        threshold=float(value),
        evidence=pl.col(column),
    )
