"""Answers that stop in the middle."""

import polars as pl

from quality.filters.check import Check, Share, check_flag, require_column
from quality.scorers.unfinished import last_line


def unfinished(column: str = "output", *, value: Share = 1.0) -> Check:
    """Drop rows whose output breaks off before its end.

    Args:
        column: "output", the text the `unfinished` scorer reads.
        value: score from which a row is dropped.

    Returns:
        A check that abstains on code outside fences.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.unfinished`.

    Example:
        >>> frame = pl.DataFrame({"output": ["It is red.", "It is the"], "unfinished": [0.0, 1.0]})
        >>> frame.filter(unfinished().keep)["output"].to_list()
        ['It is red.']
    """
    require_column(column, "output")
    return check_flag("unfinished", last_line(pl.col(column)).str.tail(60), value=value)
