"""Phrases that must not be in a text: where they stand, in any case and spacing."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_AROUND = 30


class Found(NamedTuple):
    """A phrase in a text.

    Attributes:
        phrase: as it was asked for.
        start: number of the character at which it begins, from 0.
        excerpt: the words around it, in one line.
    """

    phrase: str
    start: int
    excerpt: str


def phrase_pattern(phrases: Sequence[str]) -> str:
    r"""Return a regular expression, for Python and for Polars, of any of several phrases.

    Example:
        >>> phrase_pattern(["too many", "C++"])
        '(?i:\\btoo\\s+many\\b|\\bC\\+\\+)'
    """
    # The longest first: a phrase must not hide a longer one that begins the same.
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return f"(?i:{'|'.join(map(_spell, ordered))})"


def _spell(phrase: str) -> str:
    words = phrase.split()
    begin = r"\b" if _is_letter(words[0][0]) else ""
    end = r"\b" if _is_letter(words[-1][-1]) else ""
    return begin + r"\s+".join(map(re.escape, words)) + end


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"


def find_phrase(text: str, phrases: Sequence[str]) -> Found | None:
    r"""Return the first of several phrases that a text holds as whole words.

    Args:
        text: any text.
        phrases: words or phrases; case and the kind of white space between words do not matter.

    Example:
        >>> find_phrase("Ask  the\nOwl.", ["owl", "ask the"])
        Found(phrase='ask the', start=0, excerpt='Ask the Owl.')
        >>> find_phrase("Ask the owlet.", ["owl"]) is None
        True
    """
    if not phrases:
        return None
    found = _compiled(tuple(phrases)).search(text)
    if found is None:
        return None
    start, end = found.span()
    phrase = next(one for one in phrases if _compiled((one,)).fullmatch(found[0]))
    around = text[max(0, start - _AROUND) : end + _AROUND]
    return Found(phrase, start, " ".join(around.split()))


@lru_cache(maxsize=32)
def _compiled(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(phrase_pattern(phrases))
