"""The format that was asked for."""

import polars as pl

from quality.filters.check import Check, check_at_least, require_column
from quality.scorers.asked_format import asked_form


def asked_format(column: str = "output") -> Check:
    """Drop rows whose output lacks the format that the instruction asks for, or is malformed.

    Args:
        column: "output", the text the `asked_format` scorer reads.

    Returns:
        A check that keeps rows where no format is asked for, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_format`.

    Example:
        >>> frame = pl.DataFrame({"output": ["{}", "a: b", "c"], "asked_format": [1.0, 0.0, None]})
        >>> frame.filter(asked_format().keep)["output"].to_list()
        ['{}', 'c']
    """
    require_column(column, "output")
    evidence = pl.format("asked for {}, got none", asked_form(pl.col("instruction")))
    return check_at_least("asked_format", 1.0, evidence)
