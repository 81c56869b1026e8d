"""Lists of the length that was asked for."""

import polars as pl

from quality.filters.check import Check, Count, check_at_most, require_column
from quality.scorers.asked_count import asked_items, count_items


def asked_count(column: str = "output", *, value: Count = 0) -> Check:
    """Keep rows whose list misses the asked number of items by at most `value`.

    Args:
        column: "output", the text the `asked_count` scorer reads.
        value: inclusive upper bound of the difference, in items.

    Returns:
        A check that keeps rows where no number is asked for or no list can be counted, without
        measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_count`.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b", "c"], "asked_count": [0.0, 2.0, None]})
        >>> frame.filter(asked_count().keep)["output"].to_list()
        ['a', 'c']
    """
    require_column(column, "output")
    asked, present = asked_items(pl.col("instruction")), count_items(pl.col(column))
    return check_at_most(
        "asked_count",
        float(value),
        pl.format("asked for {}, got {}", asked, present),
        applies=pl.col("asked_count").is_not_null(),
    )
