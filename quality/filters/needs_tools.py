"""Tasks beyond a text model."""

from quality.filters.check import Check, check_flag, require_column
from quality.scorers.needs_tools import find_need


def needs_tools(column: str = "instruction") -> Check:
    """Drop rows whose task asks for eyes, ears, a pencil, the web, a device or the present.

    Args:
        column: "instruction", the text the `needs_tools` scorer reads.

    Returns:
        A check that never abstains.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.needs_tools`.

    Example:
        >>> import polars as pl
        >>> tasks = ["Sum up.", "Draw a cat"]
        >>> frame = pl.DataFrame({"instruction": tasks, "needs_tools": [0.0, 1.0]})
        >>> frame.filter(needs_tools().keep)["instruction"].to_list()
        ['Sum up.']
    """
    require_column(column, "instruction")
    return check_flag("needs_tools", find_need(column))
