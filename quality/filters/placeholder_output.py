"""Stand-in answers."""

import polars as pl

from quality.filters.check import Check, check_flag, require_column


def placeholder_output(column: str = "output") -> Check:
    """Drop rows whose output is only a stand-in such as "N/A" or "<nooutput>".

    Args:
        column: "output", the text the `placeholder_output` scorer reads.

    Returns:
        A check that abstains on "None" and "Unknown" as the answer to a question.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.placeholder_output`.

    Example:
        >>> frame = pl.DataFrame({"output": ["N/A", "No"], "placeholder_output": [1.0, 0.0]})
        >>> frame.filter(placeholder_output().keep)["output"].to_list()
        ['No']
    """
    require_column(column, "output")
    return check_flag("placeholder_output", pl.col(column))
