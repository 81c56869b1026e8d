"""Answers that loop."""

import polars as pl

from quality.filters.check import Check, Share, check_at_most, require_column


def max_repetition(column: str = "output", *, value: Share = 0.6) -> Check:
    """Keep rows whose output repeats at most `value` of its word 4-grams.

    Args:
        column: "output", the text the `repetition` scorer reads.
        value: inclusive upper bound, share of 4-grams.

    Returns:
        A check that keeps outputs too short to repeat themselves, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446. Differs: bound set for answers,
        where lists share a frame.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b", "c"], "repetition": [0.1, 0.9, None]})
        >>> frame.filter(max_repetition().keep)["output"].to_list()
        ['a', 'c']
    """
    require_column(column, "output")
    return check_at_most(
        "repetition",
        value,
        pl.format("{} % of 4-grams repeat", (pl.col("repetition") * 100).round(0).cast(pl.Int64)),
        applies=pl.col("repetition").is_not_null(),
    )
