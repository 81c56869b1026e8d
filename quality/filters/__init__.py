"""Filters: each turns stored columns into a verdict per row; the key is the rule's name."""

from collections.abc import Callable
from typing import Any, Final

from quality.filters.answer_equals_input import answer_equals_input
from quality.filters.asked_case import asked_case
from quality.filters.asked_count import asked_count
from quality.filters.asked_format import asked_format
from quality.filters.asked_language import asked_language
from quality.filters.asked_length import asked_length
from quality.filters.asked_phrases import asked_phrases
from quality.filters.blocked_phrases import blocked_phrases
from quality.filters.check import Check
from quality.filters.empty import empty_instruction, empty_output
from quality.filters.language import language
from quality.filters.language_match import language_match
from quality.filters.leaked_prompt import leaked_prompt
from quality.filters.max_padding import max_padding
from quality.filters.max_repetition import max_repetition
from quality.filters.merged_instructions import merged_instructions
from quality.filters.missing_input import missing_input
from quality.filters.needs_tools import needs_tools
from quality.filters.not_in import not_in
from quality.filters.personal_data import personal_data
from quality.filters.placeholder_output import placeholder_output
from quality.filters.refusal import refusal
from quality.filters.score_bounds import max_score, min_quality, min_score
from quality.filters.secrets import secrets
from quality.filters.unclosed_code import unclosed_code
from quality.filters.unfinished import unfinished
from quality.filters.unreadable_urls import unreadable_urls
from quality.filters.verified import verified
from quality.filters.word_bounds import max_words, min_words
from quality.filters.wrong_arithmetic import wrong_arithmetic
from quality.filters.wrong_order import wrong_order
from quality.filters.wrong_result import wrong_result

FILTERS: Final[dict[str, Callable[..., Check]]] = {
    "empty_instruction": empty_instruction,
    "empty_output": empty_output,
    "min_words": min_words,
    "max_words": max_words,
    "placeholder_output": placeholder_output,
    "refusal": refusal,
    "answer_equals_input": answer_equals_input,
    "unfinished": unfinished,
    "unclosed_code": unclosed_code,
    "max_repetition": max_repetition,
    "merged_instructions": merged_instructions,
    "leaked_prompt": leaked_prompt,
    "language": language,
    "language_match": language_match,
    "unreadable_urls": unreadable_urls,
    "needs_tools": needs_tools,
    "missing_input": missing_input,
    "asked_count": asked_count,
    "asked_length": asked_length,
    "asked_format": asked_format,
    "asked_language": asked_language,
    "asked_case": asked_case,
    "asked_phrases": asked_phrases,
    "wrong_arithmetic": wrong_arithmetic,
    "wrong_result": wrong_result,
    "wrong_order": wrong_order,
    "verified": verified,
    "max_padding": max_padding,
    "secrets": secrets,
    "personal_data": personal_data,
    "min_score": min_score,
    "max_score": max_score,
    "min_quality": min_quality,
    "not_in": not_in,
    "blocked_phrases": blocked_phrases,
}

#: Cautious set for general instruction data: damage and tasks no text can answer, never style,
#: and nothing that drops a row for being short.
DEFAULT_FILTERS: Final[list[dict[str, Any]]] = [
    {"rule": "empty_instruction", "column": "instruction"},
    {"rule": "empty_output", "column": "output"},
    {"rule": "placeholder_output", "column": "output"},
    {"rule": "refusal", "column": "output", "value": 0.5},
    {"rule": "answer_equals_input", "column": "output"},
    {"rule": "merged_instructions", "column": "output"},
    {"rule": "leaked_prompt", "column": "output", "value": 1.0},
    {"rule": "secrets", "column": "messages", "value": 0},
    {"rule": "unclosed_code", "column": "output"},
    {"rule": "unfinished", "column": "output", "value": 1.0},
    {"rule": "max_repetition", "column": "output", "value": 0.6},
    {"rule": "language_match", "column": "output"},
    {"rule": "unreadable_urls", "column": "instruction", "value": 1.0},
    {"rule": "needs_tools", "column": "instruction"},
    {"rule": "missing_input", "column": "instruction"},
    {"rule": "asked_format", "column": "output"},
    {"rule": "asked_language", "column": "output"},
    {"rule": "wrong_arithmetic", "column": "output", "value": 0.0},
    {"rule": "wrong_result", "column": "output"},
    {"rule": "wrong_order", "column": "output"},
]
