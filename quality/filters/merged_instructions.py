"""Two tasks in one row."""

import polars as pl

from quality.filters.check import Check, check_flag, require_column
from quality.scorers.merged_instructions import find_second_task


def merged_instructions(column: str = "output") -> Check:
    """Drop rows in which a second task starts.

    Args:
        column: "output", the text the `merged_instructions` scorer reads.

    Returns:
        A check that abstains where the task asks for tasks.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.merged_instructions`.

    Example:
        >>> frame = pl.DataFrame({"output": ["x", "2. Task:"], "merged_instructions": [0.0, 1.0]})
        >>> frame.filter(merged_instructions().keep)["output"].to_list()
        ['x']
    """
    require_column(column, "output")
    return check_flag(
        "merged_instructions",
        pl.coalesce(find_second_task("instruction"), find_second_task(column)).str.strip_chars(),
    )
