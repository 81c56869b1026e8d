"""The length that was asked for."""

import polars as pl

from quality.filters.check import Check, Share, check_at_most, require_column
from quality.scorers.asked_length import Size, count_units, find_size


def asked_length(column: str = "output", *, value: Share = 0.5) -> Check:
    """Keep rows whose output misses the asked length by at most the share `value`.

    Args:
        column: "output", the text the `asked_length` scorer reads.
        value: inclusive upper bound; 0.5 drops two sentences where one was asked for.

    Returns:
        A check that keeps rows where no length is asked for, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_length`.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b", "c"], "asked_length": [0.0, 1.0, None]})
        >>> frame.filter(asked_length().keep)["output"].to_list()
        ['a', 'c']
    """
    require_column(column, "output")
    evidence = pl.struct("instruction", column).map_elements(_compare, return_dtype=pl.String)
    applies = pl.col("asked_length").is_not_null()
    return check_at_most("asked_length", value, evidence, applies=applies)


def _compare(texts: dict[str, str | None]) -> str | None:
    task, answer = (text or "" for text in texts.values())
    size = find_size(task)
    if size is None:
        return None
    fewest, _ = count_units(answer, size.unit)
    return f"asked for {_describe(size)}, got {fewest}"


def _describe(size: Size) -> str:
    if size.most is None:
        return f"at least {size.least} {size.unit}s"
    bounds = f"{size.least}" if size.least == size.most else f"{size.least} to {size.most}"
    return f"{bounds} {size.unit}{'' if bounds == '1' else 's'}"
