"""Lists in the wrong order."""

import polars as pl

from quality.filters.check import Check, check_at_most, require_column
from quality.scorers.wrong_order import expected_order


def wrong_order(column: str = "output") -> Check:
    """Drop rows whose output does not hold a list in the order that the task asks for.

    Args:
        column: "output", the text the `wrong_order` scorer reads.

    Returns:
        A check that keeps rows that ask for no sorted list, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.wrong_order`.

    Example:
        >>> frame = pl.DataFrame({"output": ["1, 2, 3", "1, 3, 2"], "wrong_order": [0.0, 1.0]})
        >>> frame.filter(wrong_order().keep)["output"].to_list()
        ['1, 2, 3']
    """
    require_column(column, "output")
    evidence = pl.struct("instruction", "input").map_elements(_expect, return_dtype=pl.String)
    applies = pl.col("wrong_order").is_not_null()
    return check_at_most("wrong_order", 0.0, evidence, applies=applies)


def _expect(texts: dict[str, str | None]) -> str | None:
    task, given = (text or "" for text in texts.values())
    items = expected_order(task, given)
    return None if items is None else f"expected {', '.join(items)}"
