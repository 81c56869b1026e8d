"""Answers that are mostly padding."""

from quality.filters.check import Check, Share, check_at_most, require_column
from quality.scorers.padding import find_padding


def max_padding(column: str = "output", *, value: Share = 0.5) -> Check:
    """Keep rows of whose output at most the share `value` says nothing about the task.

    Args:
        column: "output", the text the `padding` scorer reads.
        value: inclusive upper bound, share of characters.

    Returns:
        A check that abstains on letters, talks and other texts that are made of such phrases.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.padding`.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"output": ["Owl.", "I hope this helps!"], "padding": [0.0, 1.0]})
        >>> frame.filter(max_padding().keep)["output"].to_list()
        ['Owl.']
    """
    require_column(column, "output")
    return check_at_most("padding", value, find_padding(column).list.join(" "))
