"""Chat templates in the data."""

import polars as pl

from quality.filters.check import Check, Share, check_flag, require_column
from quality.scorers.leaked_prompt import find_leak


def leaked_prompt(column: str = "output", *, value: Share = 1.0) -> Check:
    """Drop rows in which a chat template or prompt form shows.

    Args:
        column: "output", the text the `leaked_prompt` scorer reads.
        value: score from which a row is dropped.

    Returns:
        A check that abstains where the task is about such text.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.leaked_prompt`.

    Example:
        >>> frame = pl.DataFrame({"output": ["x", "x</s>"], "leaked_prompt": [0.0, 1.0]})
        >>> frame.filter(leaked_prompt().keep)["output"].to_list()
        ['x']
    """
    require_column(column, "output")
    return check_flag(
        "leaked_prompt", pl.coalesce(find_leak(column), find_leak("instruction")), value=value
    )
