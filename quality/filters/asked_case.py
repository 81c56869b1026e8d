"""The case that was asked for."""

import polars as pl

from quality.filters.check import Check, check_at_least, require_column


def asked_case(column: str = "output") -> Check:
    """Drop rows whose output is not in the capitals or small letters that the task asks for.

    Args:
        column: "output", the text the `asked_case` scorer reads.

    Returns:
        A check that keeps rows where no case is asked for, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_case`.

    Example:
        >>> frame = pl.DataFrame({"output": ["YES", "Yes"], "asked_case": [1.0, 0.0]})
        >>> frame.filter(asked_case().keep)["output"].to_list()
        ['YES']
    """
    require_column(column, "output")
    return check_at_least("asked_case", 1.0, pl.col(column).str.slice(0, 80))
