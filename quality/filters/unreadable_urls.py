"""Links that nobody has read."""

import polars as pl

from quality.filters.check import Check, Share, check_flag, require_column
from quality.scorers.urls import find_url


def unreadable_urls(column: str = "instruction", *, value: Share = 1.0) -> Check:
    """Drop rows that rely on a link a language model cannot have read.

    Args:
        column: "instruction", the text the `urls` scorer reads.
        value: score from which a row is dropped.

    Returns:
        A check that never abstains.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.urls`.

    Example:
        >>> frame = pl.DataFrame({"instruction": ["Sum up.", "Read www.a.de"], "urls": [0.0, 1.0]})
        >>> frame.filter(unreadable_urls().keep)["instruction"].to_list()
        ['Sum up.']
    """
    require_column(column, "instruction")
    return check_flag(
        "urls", pl.coalesce(find_url("input"), find_url(column), find_url("output")), value=value
    )
