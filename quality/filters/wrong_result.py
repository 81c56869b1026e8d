"""Wrong answers to plain questions of arithmetic."""

import polars as pl

from quality.filters.check import Check, check_at_most, require_column
from quality.scorers.wrong_result import expected_result


def wrong_result(column: str = "output") -> Check:
    """Drop rows whose output misses the number that a plain question of arithmetic asks for.

    Args:
        column: "output", the text the `wrong_result` scorer reads.

    Returns:
        A check that keeps rows that ask no such question, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.wrong_result`.

    Example:
        >>> frame = pl.DataFrame({"output": ["84", "82"], "wrong_result": [0.0, 1.0]})
        >>> frame.filter(wrong_result().keep)["output"].to_list()
        ['84']
    """
    require_column(column, "output")
    evidence = pl.struct("instruction", "input").map_elements(_expect, return_dtype=pl.String)
    applies = pl.col("wrong_result").is_not_null()
    return check_at_most("wrong_result", 0.0, evidence, applies=applies)


def _expect(texts: dict[str, str | None]) -> str | None:
    task, given = (text or "" for text in texts.values())
    expected = expected_result(task, given)
    if expected is None:
        return None
    is_whole = isinstance(expected.value, str) or expected.value.denominator == 1
    return f"expected {expected.value if is_whole else float(expected.value)}"
