"""Answers in capitals or in small letters, where the task asks for them."""

import polars as pl

from quality.scorers.measure import measure_where

_UPPER = (
    r"(?i)\b(?:in|to|into|using|use|only) (?:all |only |the )?(?:caps\b|upper[- ]?case\b|"
    r"capital letters\b|capitals\b)|\b(?:in|nur|nur in) (?:lauter )?großbuchstaben\b|\ball[- "
    r"]caps\b"
)
_LOWER = (
    r"(?i)\b(?:in|to|into|using|use|only) (?:all |only |the )?lower[- ]?case\b|\b(?:in|nur|nur "
    r"in) (?:lauter )?kleinbuchstaben\b|\bno capital letters\b|\bwithout (?:any )?capital letters\b"
)
#: One letter, one word of it or a program: the whole answer has another case.
_PART = (
    r"(?i)\b(?:first|initial|each|every|word|name|title|start|begin|letter of|number of|count|how "
    r"many|function|program|script|code|regex\w*|password|string|python|java\w*|sql|css|excel|"
    r"variable|erste[nrs]?|jede[nrs]?|funktion|programm|passwort|wort|wie viele)\b"
)
#: A piece of every phrase above, for a cheap first look.
_HINTS = ["caps", "case", "capital", "buchstaben"]
_MIN_LETTERS, _MOSTLY = 4, 0.9


def asked_case(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output is in the case that the instruction asks for.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 nine letters of ten are, 0.0 not even one whole word is; null between, where
        no case is asked for, and below four letters that have a case.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "all uppercase" and "all
        lowercase". Differs: a sentence around the answer abstains instead of failing.

    Example:
        >>> rows = pl.DataFrame({"instruction": "Answer in all caps.",
        ...     "output": ["PARIS", "Paris", "It is PARIS"]})
        >>> asked_case(rows).to_list()
        [1.0, 0.0, None]
    """
    task, answer = (pl.col(name).fill_null("") for name in ("instruction", "output"))
    upper, lower = (answer.str.count_matches(letter) for letter in (r"\p{Lu}", r"\p{Ll}"))
    cased = upper + lower
    wants_upper, wants_lower = task.str.contains(_UPPER), task.str.contains(_LOWER)
    share = pl.when(wants_upper).then(upper).otherwise(lower) / cased
    has_word = answer.str.contains(r"\b\p{Lu}{2,}\b")
    misses = pl.when(wants_upper).then(~has_word).otherwise(share < _MOSTLY)
    score = pl.when(share >= _MOSTLY).then(1.0).when(misses).then(0.0)
    told = (wants_upper != wants_lower) & ~task.str.contains(_PART) & (cased >= _MIN_LETTERS)
    suspects = task.str.contains_any(_HINTS, ascii_case_insensitive=True)
    return measure_where(rows, "asked_case", suspects, pl.when(told).then(score))
