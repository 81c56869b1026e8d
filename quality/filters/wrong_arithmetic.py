"""Wrong sums."""

import polars as pl

from quality.filters.check import Check, Share, check_at_most, require_column
from quality.scorers.arithmetic import find_wrong_equations


def wrong_arithmetic(column: str = "output", *, value: Share = 0.0) -> Check:
    """Keep rows of whose plain equations at most the share `value` is wrong.

    Args:
        column: "output", the text the `arithmetic` scorer reads.
        value: inclusive upper bound, share of wrong equations.

    Returns:
        A check that keeps outputs without an equation, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.arithmetic`.

    Example:
        >>> frame = pl.DataFrame({"output": ["2 + 2 = 4", "2 + 2 = 5"], "arithmetic": [0.0, 1.0]})
        >>> frame.filter(wrong_arithmetic().keep)["output"].to_list()
        ['2 + 2 = 4']
    """
    require_column(column, "output")
    wrong = pl.col(column).map_elements(_first_wrong, return_dtype=pl.String)
    return check_at_most("arithmetic", value, wrong, applies=pl.col("arithmetic").is_not_null())


def _first_wrong(text: str) -> str | None:
    return next(iter(find_wrong_equations(text)), None)
