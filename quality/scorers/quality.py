"""The default combined score: which of two rows is the better example."""

from collections.abc import Callable
from typing import Final

import polars as pl

from quality.scorers.arithmetic import arithmetic
from quality.scorers.asked_case import asked_case
from quality.scorers.asked_count import asked_count
from quality.scorers.asked_format import asked_format
from quality.scorers.asked_language import asked_language
from quality.scorers.asked_length import asked_length
from quality.scorers.asked_phrases import asked_phrases
from quality.scorers.craft import craft
from quality.scorers.echo import echo
from quality.scorers.escape_leftovers import escape_leftovers
from quality.scorers.language_match import language_match
from quality.scorers.leaked_prompt import leaked_prompt
from quality.scorers.measure import measure
from quality.scorers.merged_instructions import merged_instructions
from quality.scorers.missing_input import missing_input
from quality.scorers.needs_tools import needs_tools
from quality.scorers.padding import padding
from quality.scorers.personal_data import personal_data
from quality.scorers.placeholder_output import placeholder_output
from quality.scorers.refusal import refusal
from quality.scorers.repetition import repetition
from quality.scorers.secrets import secrets
from quality.scorers.unclosed_code import unclosed_code
from quality.scorers.unfinished import unfinished
from quality.scorers.unshown_calculation import unshown_calculation
from quality.scorers.urls import urls
from quality.scorers.wrong_order import wrong_order
from quality.scorers.wrong_result import wrong_result

#: What a row without a defect has, however short its answer: one word can be right.
_FLOOR = 0.5
#: What is left of a refusal that goes on to answer, in halves of its extent.
_DISCLAIMER = 0.2
_VISIBLE = r"[\p{L}\p{N}\p{P}\p{S}]"

_PARTS: Final[dict[str, Callable[[pl.DataFrame], pl.Series]]] = {
    "craft": craft,
    "placeholder_output": placeholder_output,
    "refusal": refusal,
    "leaked_prompt": leaked_prompt,
    "merged_instructions": merged_instructions,
    "secrets": secrets,
    "echo": echo,
    "language_match": language_match,
    "repetition": repetition,
    "urls": urls,
    "needs_tools": needs_tools,
    "missing_input": missing_input,
    "unclosed_code": unclosed_code,
    "unfinished": unfinished,
    "escape_leftovers": escape_leftovers,
    "arithmetic": arithmetic,
    "wrong_result": wrong_result,
    "wrong_order": wrong_order,
    "asked_format": asked_format,
    "asked_language": asked_language,
    "asked_length": asked_length,
    "asked_case": asked_case,
    "asked_phrases": asked_phrases,
    "padding": padding,
    "unshown_calculation": unshown_calculation,
    "personal_data": personal_data,
    "asked_count": asked_count,
}

#: Share of the quality that a defect takes away when it is there in full.
_COSTS: Final[dict[str, float]] = {
    "placeholder_output": 0.95,
    "refusal": 0.9,
    "leaked_prompt": 0.9,
    "merged_instructions": 0.9,
    "secrets": 0.9,
    "echo": 0.8,
    "language_match": 0.8,
    "repetition": 0.8,
    "urls": 0.7,
    "needs_tools": 0.6,
    "missing_input": 0.6,
    "unclosed_code": 0.6,
    "unfinished": 0.6,
    "escape_leftovers": 0.5,
    "arithmetic": 0.5,
    "wrong_result": 0.6,
    "wrong_order": 0.6,
    "asked_format": 0.5,
    "asked_language": 0.5,
    "asked_length": 0.3,
    "asked_case": 0.3,
    "asked_phrases": 0.3,
    "padding": 0.3,
    "unshown_calculation": 0.5,
    "personal_data": 0.3,
    "asked_count": 0.3,
}


def _defects() -> dict[str, pl.Expr]:
    """Map every defect to its extent in 0..1."""
    extents = {name: pl.col(name).clip(0, 1) for name in _COSTS}
    extents["echo"] = (pl.col("echo") >= 1).cast(pl.Float64)
    extents["language_match"] = 1 - pl.col("language_match")
    # Lists with a common frame repeat up to 0.3; 0.7 is a loop.
    extents["repetition"] = ((pl.col("repetition") - 0.3) / 0.4).clip(0, 1)
    for name in ("asked_format", "asked_language", "asked_case", "asked_phrases"):
        extents[name] = 1 - pl.col(name)
    # Who is asked for what no text can do is right to say so; who goes on to answer has answered.
    undoable = pl.max_horizontal("needs_tools", "missing_input", "urls")
    refused = pl.when(pl.col("refusal") >= 1).then(1.0).otherwise(pl.col("refusal") * _DISCLAIMER)
    extents["refusal"] = refused * (1 - undoable)
    extents["asked_count"] = (pl.col("asked_count") / 3).clip(0, 1)
    return extents


def quality(rows: pl.DataFrame) -> pl.Series:
    """Rate a row as an example to learn from, by what can be seen without knowing the answer.

    `(0.5 + 0.5 * craft) * product over defects of (1 - cost * extent)`: how well the answer is
    made, cut by every defect found. A score that abstains cuts nothing. The costs are round
    numbers set by hand, none was learned from labels. It sees style and damage, not truth.

    Args:
        rows: frame with the columns of ROWS; score columns that it has are used.

    Returns:
        Float64 in 0..1; 0.0 for an empty output; null where instruction, input and output are all
        empty, so that there is nothing to rate.

    Source:
        The surface part of Cao et al. 2023 (InstructMining), https://arxiv.org/abs/2307.06290.
        Differs: no learned weights; defects multiply, so that length cannot pay for a refusal.

    Example:
        >>> from schemas.frames import ROWS, empty_frame
        >>> rows = empty_frame(ROWS).clear(2).with_columns(instruction=pl.lit("Name a colour."),
        ...     output=pl.Series(["Blue.", "I'm sorry, but I cannot help with that."]))
        >>> quality(rows).round(2).to_list()
        [0.56, 0.06]
    """
    missing = {name: part for name, part in _PARTS.items() if name not in rows.columns}
    scored = rows.with_columns(*[part(rows) for part in missing.values()])
    value = _FLOOR + (1 - _FLOOR) * pl.col("craft")
    for name, extent in _defects().items():
        value = value * (1 - _COSTS[name] * extent.fill_null(0.0))
    has = {
        name: pl.col(name).fill_null("").str.contains(_VISIBLE)
        for name in ("instruction", "input", "output")
    }
    rated = pl.when(has["output"]).then(value).otherwise(0.0)
    return measure(scored, "quality", pl.when(pl.any_horizontal(*has.values())).then(rated))
