"""Code fences that never close."""

import polars as pl

from quality.filters.check import Check, check_flag, require_column


def unclosed_code(column: str = "output") -> Check:
    """Drop rows whose output has an odd number of code fences.

    Args:
        column: "output", the text the `unclosed_code` scorer reads.

    Returns:
        A check that never abstains.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.unclosed_code`.

    Example:
        >>> frame = pl.DataFrame({"output": ["x", "```x"], "unclosed_code": [0.0, 1.0]})
        >>> frame.filter(unclosed_code().keep)["output"].to_list()
        ['x']
    """
    require_column(column, "output")
    return check_flag("unclosed_code", pl.col(column).str.extract(r"(```[^`]*)$", 1))
