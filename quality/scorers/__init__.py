"""Scorers: each adds one column to a ROWS frame; null means that it cannot tell."""

import difflib
from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from quality.scorers.alphabetic_words import alphabetic_words
from quality.scorers.arithmetic import arithmetic
from quality.scorers.asked_case import asked_case
from quality.scorers.asked_count import asked_count
from quality.scorers.asked_format import asked_format
from quality.scorers.asked_language import asked_language
from quality.scorers.asked_length import asked_length
from quality.scorers.asked_phrases import asked_phrases
from quality.scorers.bullet_lines import bullet_lines
from quality.scorers.compressibility import compressibility
from quality.scorers.craft import craft
from quality.scorers.dominant_phrase import dominant_phrase
from quality.scorers.echo import echo
from quality.scorers.ellipsis_lines import ellipsis_lines
from quality.scorers.escape_leftovers import escape_leftovers
from quality.scorers.instruction_words import instruction_words
from quality.scorers.language import language
from quality.scorers.language_match import language_match
from quality.scorers.leaked_prompt import leaked_prompt
from quality.scorers.length import length
from quality.scorers.lexical_diversity import lexical_diversity
from quality.scorers.merged_instructions import merged_instructions
from quality.scorers.missing_input import missing_input
from quality.scorers.needs_tools import needs_tools
from quality.scorers.output_words import output_words
from quality.scorers.padding import padding
from quality.scorers.personal_data import personal_data
from quality.scorers.placeholder_output import placeholder_output
from quality.scorers.quality import quality
from quality.scorers.refusal import refusal
from quality.scorers.repeated_lines import repeated_lines
from quality.scorers.repetition import repetition
from quality.scorers.secrets import secrets
from quality.scorers.symbol_words import symbol_words
from quality.scorers.unclosed_code import unclosed_code
from quality.scorers.unfinished import unfinished
from quality.scorers.unshown_calculation import unshown_calculation
from quality.scorers.urls import urls
from quality.scorers.verified import verified
from quality.scorers.wrong_order import wrong_order
from quality.scorers.wrong_result import wrong_result
from schemas.errors import InputError

SCORERS: Final[dict[str, Callable[[pl.DataFrame], pl.Series]]] = {
    "length": length,
    "output_words": output_words,
    "instruction_words": instruction_words,
    "repetition": repetition,
    "repeated_lines": repeated_lines,
    "dominant_phrase": dominant_phrase,
    "compressibility": compressibility,
    "lexical_diversity": lexical_diversity,
    "ellipsis_lines": ellipsis_lines,
    "bullet_lines": bullet_lines,
    "symbol_words": symbol_words,
    "alphabetic_words": alphabetic_words,
    "padding": padding,
    "craft": craft,
    "refusal": refusal,
    "placeholder_output": placeholder_output,
    "echo": echo,
    "unfinished": unfinished,
    "unclosed_code": unclosed_code,
    "escape_leftovers": escape_leftovers,
    "merged_instructions": merged_instructions,
    "leaked_prompt": leaked_prompt,
    "language": language,
    "language_match": language_match,
    "urls": urls,
    "needs_tools": needs_tools,
    "missing_input": missing_input,
    "asked_count": asked_count,
    "asked_length": asked_length,
    "asked_format": asked_format,
    "asked_language": asked_language,
    "asked_case": asked_case,
    "asked_phrases": asked_phrases,
    "arithmetic": arithmetic,
    "wrong_result": wrong_result,
    "wrong_order": wrong_order,
    "unshown_calculation": unshown_calculation,
    "verified": verified,
    "secrets": secrets,
    "personal_data": personal_data,
    "quality": quality,
}

#: Neither better than plain length or a random number on any labels measured here, nor a guard
#: that a default filter or `quality` needs, or only for rows that carry a check. A recipe may name
#: them.
OPTIONAL_SCORERS: Final[frozenset[str]] = frozenset({
    "instruction_words", "dominant_phrase", "compressibility", "lexical_diversity",
    "ellipsis_lines", "bullet_lines", "symbol_words", "alphabetic_words", "verified",
})  # fmt: skip

DEFAULT_SCORERS: Final[tuple[str, ...]] = tuple(
    name for name in SCORERS if name not in OPTIONAL_SCORERS
)


def add_scores(rows: pl.DataFrame, names: Sequence[str] = DEFAULT_SCORERS) -> pl.DataFrame:
    """Add one column per named scorer, and `quality` last.

    Args:
        rows: frame with the columns of ROWS; a column that is already there is computed anew.
        names: keys of SCORERS.

    Returns:
        `rows` with the new columns, in the order of `names`.

    Raises:
        InputError: if a name is not a scorer.

    Example:
        >>> from schemas.frames import ROWS, empty_frame
        >>> rows = empty_frame(ROWS).clear(1).with_columns(output=pl.lit("Yes."))
        >>> add_scores(rows, ["output_words"])["output_words"].to_list()
        [1.0]
    """
    for place, name in enumerate(names):
        if name not in SCORERS:
            near = difflib.get_close_matches(str(name), SCORERS, n=1, cutoff=0.5)
            expected = repr(near[0]) if near else f"one of {', '.join(SCORERS)}"
            msg = f"scorers[{place}]: expected {expected}, got {name!r}"
            raise InputError(msg)
    wanted = dict.fromkeys([*(name for name in names if name != "quality"), "quality"])
    scored = rows.drop(*wanted, strict=False)
    for name in wanted:
        scored = scored.with_columns(SCORERS[name](scored))
    return scored
