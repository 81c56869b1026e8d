"""Rows without a task or without an answer."""

import polars as pl

from quality.filters.check import Check

#: A character that shows: any letter, digit, punctuation mark or symbol.
_VISIBLE = r"[\p{L}\p{N}\p{P}\p{S}]"


def empty_output(column: str = "output") -> Check:
    r"""Drop rows whose answer shows no character.

    Args:
        column: name of a String column.

    Returns:
        A check that never abstains; it measures the number of visible characters.

    Source:
        The empty-output issue of https://github.com/gururise/AlpacaDataCleaned. Differs: invisible
        characters (zero-width space, byte order mark) do not count.

    Example:
        >>> frame = pl.DataFrame({"output": ["42", " \u200b", None]})
        >>> frame.filter(empty_output().keep)["output"].to_list()
        ['42']
    """
    visible = pl.col(column).fill_null("").str.count_matches(_VISIBLE)
    return Check(
        measured=visible.cast(pl.Float64),
        keep=visible > 0,
        threshold=1.0,
        evidence=pl.format("{} is empty", pl.lit(column)),
    )


def empty_instruction(column: str = "instruction") -> Check:
    """Drop rows whose task shows no character.

    Args:
        column: name of a String column.

    Returns:
        A check that never abstains; it measures the number of visible characters.

    Source:
        As `empty_output`.

    Example:
        >>> frame = pl.DataFrame({"instruction": ["Sum up.", ""]})
        >>> frame.filter(empty_instruction().keep)["instruction"].to_list()
        ['Sum up.']
    """
    return empty_output(column)
