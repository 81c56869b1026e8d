"""Tasks without their input."""

import polars as pl

from quality.filters.check import Check, check_flag, require_column


def missing_input(column: str = "instruction") -> Check:
    """Drop rows whose task points at an input that is not there.

    Args:
        column: "instruction", the text the `missing_input` scorer reads.

    Returns:
        A check that never abstains.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.missing_input`.

    Example:
        >>> tasks = ["Wave.", "Edit this text."]
        >>> frame = pl.DataFrame({"instruction": tasks, "missing_input": [0.0, 1.0]})
        >>> frame.filter(missing_input().keep)["instruction"].to_list()
        ['Wave.']
    """
    require_column(column, "instruction")
    return check_flag(
        "missing_input",
        pl.format(
            "input is {}", pl.col("input").fill_null("").str.slice(0, 60).replace({"": "empty"})
        ),
    )
