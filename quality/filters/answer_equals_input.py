"""Answers that give the question back."""

import polars as pl

from quality.filters.check import Check, require_column
from quality.scorers.echo import equals_prompt


def answer_equals_input(column: str = "output") -> Check:
    """Drop rows whose output is the same text as the input or the instruction.

    Space and outer quotation marks are ignored, case and punctuation are not. Answers that only
    contain or quote the input are kept.

    Args:
        column: "output".

    Returns:
        A check that never abstains; it measures the `echo` score.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.echo`.

    Example:
        >>> frame = pl.DataFrame({"instruction": ["Fix it."] * 2, "input": ["teh cat"] * 2,
        ...     "output": ["the cat", "teh  cat"], "echo": [None, 1.0]})
        >>> frame.filter(answer_equals_input().keep)["output"].to_list()
        ['the cat']
    """
    require_column(column, "output")
    return Check(
        measured=pl.col("echo"),
        keep=~equals_prompt(column),
        threshold=1.0,
        evidence=pl.col(column),
        scorers=("echo",),
    )
