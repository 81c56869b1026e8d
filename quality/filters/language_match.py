"""Answers in the language of the question."""

import polars as pl

from quality.filters.check import Check, require_column


def language_match(column: str = "output") -> Check:
    """Drop rows whose output is in another language than the instruction.

    Args:
        column: "output", the text the `language_match` scorer reads.

    Returns:
        A check that abstains where a language is unknown or the task is about languages.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.language_match`.

    Example:
        >>> frame = pl.DataFrame({"output": ["Rot.", "Red."], "language_match": [0.0, 1.0]})
        >>> frame.filter(language_match().keep)["output"].to_list()
        ['Red.']
    """
    require_column(column, "output")
    return Check(
        measured=pl.col("language_match"),
        keep=pl.col("language_match") >= 1.0,
        threshold=1.0,
        evidence=pl.col(column).str.slice(0, 80),
        scorers=("language_match",),
    )
