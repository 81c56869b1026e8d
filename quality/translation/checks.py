"""Whether a translation says the same, as far as that shows without understanding it."""

import re
from collections import Counter
from typing import Final

import polars as pl

from quality.dedup.lexicon import NEGATIONS, NUMBER_WORDS
from quality.gates import Rejection
from quality.scorers.language import identify
from quality.translation.chrf import chrf
from quality.translation.protected import Protected, lost_marks

_NUMBER: Final = re.compile(r"\d+(?:[.,\u00a0\u202f']\d+)*")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’]t\b)?")
_DIGITS: Final = re.compile(r"\D")
#: Languages whose negating words are known.
_NEGATING: Final = frozenset({"de", "en"})
_MIN_COPIED_WORDS: Final = 5


def check_translation(
    source: Protected, translated: str, *, languages: tuple[str, str]
) -> Rejection | None:
    """Name what a translation lost or changed that no translation may.

    Args:
        source: what was translated, with marks.
        translated: with marks.
        languages: of both, ISO 639-1.

    Returns:
        `empty_translation`, `protected_lost` (value: pieces), `number_changed` (value: numbers
        on one side alone), `negation_changed` (German and English: one side negates, the other
        does not), `not_translated`, `wrong_language`; null where none holds.
    """
    if not translated.strip():
        return Rejection("empty_translation")
    lost = lost_marks(translated, source)
    if lost:
        return Rejection("protected_lost", len(lost), 0, ", ".join(lost)[:200])
    plain, other = _unmarked(source.text, source), _unmarked(translated, source)
    changed = changed_numbers(plain, other)
    if changed:
        return Rejection("number_changed", len(changed), 0, ", ".join(changed)[:200])
    words = _WORD.findall(plain)
    if len(words) >= _MIN_COPIED_WORDS and words == _WORD.findall(other):
        return Rejection("not_translated", evidence=translated[:200])
    if set(languages) <= _NEGATING and negates(plain) != negates(other):
        return Rejection("negation_changed", evidence=translated[:200])
    found = identify(pl.Series([other]))[0]
    if found is not None and found != languages[1]:
        return Rejection("wrong_language", evidence=f"{found} instead of {languages[1]}")
    return None


def check_round_trip(source: str, back: str, *, bar: float) -> Rejection | None:
    """Compare a text with its translation back into its own language.

    Args:
        source: the text.
        back: what came back.
        bar: chrF below which the meaning counts as lost.

    Returns:
        `number_changed` or `negation_changed` where numbers differ or another number of words
        negates, however alike the texts are; `round_trip` (value: chrF); null where neither.
    """
    # numba takes a second to import; only this check needs it.
    from quality.dedup.guards import vetoing_guard

    value = round(chrf(back, source), 4)
    guard = vetoing_guard(source, back)
    if guard == "numbers":
        return Rejection("number_changed", value, bar, back[:200])
    if guard in ("negation", "opposites"):
        return Rejection("negation_changed", value, bar, back[:200])
    return Rejection("round_trip", value, bar, back[:200]) if value < bar else None


def changed_numbers(source: str, translated: str) -> list[str]:
    """Return the numbers that only one of two texts has; words and separators do not matter.

    Example:
        >>> changed_numbers("It has 1,234.5 km and 3 doors.", "Es hat 1.234,5 km und drei Türen.")
        []
        >>> changed_numbers("In 1923 and 7", "Im Jahr 1932 und 7")
        ['1923', '1932']
    """
    left, right = _numbers(source), _numbers(translated)
    spoken = [_spoken(translated), _spoken(source)]
    found: list[str] = []
    for mine, other, words in ((left - right, right, spoken[0]), (right - left, left, spoken[1])):
        found += [number for number in mine.elements() if number not in words or other[number]]
    return sorted(found)


def negates(text: str) -> bool:
    """Tell whether a text has a negating word."""
    words = [word.casefold().replace("ß", "ss") for word in _WORD.findall(text)]
    return any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in words)


def _numbers(text: str) -> Counter[str]:
    return Counter(_DIGITS.sub("", number) for number in _NUMBER.findall(text))


def _spoken(text: str) -> set[str]:
    """Return the numbers that a text says in words; one is an article in many languages."""
    words = {word.casefold().replace("ß", "ss") for word in _WORD.findall(text)}
    said = {_DIGITS.sub("", NUMBER_WORDS[word]) for word in words if word in NUMBER_WORDS}
    return said | {"1"}


def _unmarked(text: str, protected: Protected) -> str:
    """Return a text without its marks, whose numbers are none of the text."""
    for place in range(len(protected.pieces)):
        text = text.replace(protected.mark(place), " ")
    return text
