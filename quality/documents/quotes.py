"""Whether a text holds a quote, and an answer what is quoted."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz import fuzz

from quality.select.stop_words import STOP_WORDS

_SIGNS: Final = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
}
#: Soft hyphen and what has no width.
_NOTHING: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
#: Marks of Markdown that a quote may leave out.
_MARKUP: Final = frozenset("*_#")
#: A hyphen inside a word: whether one at the end of a line belongs to it is unknown.
_HYPHEN: Final = re.compile(
    "(?<=[^\\W\\d_])[-\u2010\u2011][ \\t]*(?:\\r?\\n[ \\t]*)?(?=[^\\W\\d_])"
)
_ELLIPSIS: Final = re.compile(r"[\[(]?(?:\.{3,}|\u2026)[\])]?")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_WORD: Final = re.compile(r"[^\W_]+")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|without|cannot|neither|nor|none|nobody|nothing|nicht|kein\w{0,2}|nie|niemals"
    r"|ohne|nichts|niemand|weder)\b|n't\b"
)
_STEM: Final = 5
_EDGES: Final = " \"'.,;:!?"


class Found(NamedTuple):
    """Where a source holds a quote.

    Attributes:
        similarity: 1 where it is there word by word, after folding typography; else that of the
            nearest stretch, 0..1.
        start: of that stretch in the source, in characters.
        end: likewise.
    """

    similarity: float
    start: int
    end: int


class _Folded(NamedTuple):
    text: str
    places: tuple[int, ...]  # of each character in the source, and the end


def fold_quote(text: str) -> str:
    """Return a text without what typography changes: spaces, quotes, dashes, case, hyphenation.

    Example:
        >>> fold_quote("\u201eEin  Bei\u00adspiel\u201c \u2013 so.")
        '"ein beispiel" - so.'
    """
    return _fold(text).text


def find_quote(quote: str, source: str) -> Found:
    r"""Find a quote in a source.

    Args:
        quote: may leave out a stretch with `...` or `[...]`; its parts are then looked for in
            their order.
        source: any text.

    Returns:
        The stretch it was taken from, or the one nearest to it. A stretch with other numbers or
        another count of negations has at most half the similarity: one digit is what a false
        quote differs in.

    Example:
        >>> find_quote("the ‘old’ bridge", "Cross the 'Old'\nbridge.")
        Found(similarity=1.0, start=6, end=22)
    """
    folded = _fold(source)
    parts = [part for piece in _ELLIPSIS.split(quote) if (part := fold_quote(piece).strip(_EDGES))]
    if not parts or not folded.text.strip():
        return Found(0.0, 0, 0)
    found, behind = [], 0
    for part in parts:
        similarity, start, end = _find_part(part, folded.text, behind)
        found.append((similarity, start, end))
        behind = end if similarity == 1 else behind
    places = folded.places
    start, end = min(item[1] for item in found), max(item[2] for item in found)
    return Found(round(min(item[0] for item in found), 4), places[start], places[end - 1] + 1)


def _find_part(part: str, source: str, behind: int) -> tuple[float, int, int]:
    start = _find_words(part, source, behind)
    if start >= 0:
        return 1.0, start, start + len(part)
    near = fuzz.partial_ratio_alignment(part, source)
    if near is None or near.dest_end <= near.dest_start:
        return 0.0, 0, 1
    start, end = (near.dest_start, near.dest_end) if len(part) <= len(source) else (0, len(source))
    start, end = _whole_words(source, start, end)
    similarity = fuzz.ratio(part, source[start:end]) / 100
    if _facts(part) != _facts(source[start:end]):
        similarity /= 2
    return min(similarity, 0.9999), start, end


def _find_words(part: str, source: str, behind: int) -> int:
    """Return where a part stands as whole words: "art" is not in "party"."""
    pattern = rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"
    found = re.compile(pattern).search(source, behind)
    return -1 if found is None else found.start()


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a stretch so that no word of it is cut."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _facts(text: str) -> tuple[list[str], int]:
    return sorted(_NUMBER.findall(text)), len(_NEGATION.findall(text))


def share_in_source(answer: str, sources: Sequence[str]) -> float | None:
    """Return the share of an answer's content words that sources have.

    Stop words (English, German) do not count. Words agree where they are equal, or where they
    share their first five letters or more and all but three of the longer one: "kept" is not
    "keeps", "Bienen" is "Biene".

    Args:
        answer: any text.
        sources: what it should rest on.

    Returns:
        0..1; null where the answer has no content word, such as "yes".

    Example:
        >>> share_in_source("It was built in 1887.", ["The bridge was built in 1887."])
        1.0
        >>> share_in_source("It was painted in 1901.", ["The bridge was built in 1887."])
        0.0
    """
    words = content_words(answer)
    if not words:
        return None
    known = {word for source in sources for word in content_words(source)}
    stems: dict[str, list[str]] = {}
    for word in sorted(known):
        stems.setdefault(word[:_STEM], []).append(word)
    held = sum(
        word in known or any(_is_inflected(word, other) for other in stems.get(word[:_STEM], ()))
        for word in words
    )
    return held / len(words)


def _is_inflected(word: str, other: str) -> bool:
    """Tell whether two words that begin alike are forms of one word."""
    if len(word) < _STEM or word.isdigit():
        return False
    pairs = enumerate(zip(word, other, strict=False))
    shared = next((place for place, (a, b) in pairs if a != b), min(len(word), len(other)))
    return shared >= max(len(word), len(other)) - 3


def new_words(answer: str, question: str) -> str:
    """Return the content words of an answer that its question does not have, sorted.

    Example:
        >>> new_words("Anna Kerr built the mill.", "Who built the mill?")
        'anna kerr'
    """
    return " ".join(sorted(content_words(answer) - content_words(question)))


def content_words(text: str) -> set[str]:
    """Return the words of a text that are no stop words, folded, and its numbers."""
    folded = fold_quote(text)
    words = {word for word in _WORD.findall(folded) if word not in STOP_WORDS and len(word) > 1}
    return words | set(_NUMBER.findall(folded))


def foreign_numbers(answer: str, sources: Sequence[str]) -> list[str]:
    """Return the numbers of a text that no source has, sorted; separators do not count.

    Example:
        >>> foreign_numbers("In 1,887 and 12.", ["1887"])
        ['12']
    """
    known = {digits for source in sources for digits in _numbers(source)}
    return sorted(set(_numbers(answer)) - known)


def _numbers(text: str) -> Iterator[str]:
    for number in _NUMBER.findall(fold_quote(text)):
        yield re.sub(r"\D", "", number)


@lru_cache(maxsize=64)
def _fold(text: str) -> _Folded:
    """Fold a text and remember where each character came from."""
    signs: list[str] = []
    places: list[int] = []
    skipped = {
        place for mark in _HYPHEN.finditer(text) for place in range(mark.start(), mark.end())
    }
    for place, sign in enumerate(text):
        if place in skipped or sign in _NOTHING or sign in _MARKUP:
            continue
        for one in _fold_sign(sign):
            if one == " " and (not signs or signs[-1] == " "):
                continue
            signs.append(one)
            places.append(place)
    return _Folded("".join(signs), (*places, len(text)))


@lru_cache(maxsize=4096)
def _fold_sign(sign: str) -> str:
    if sign.isspace():
        return " "
    known = _SIGNS.get(sign)
    # NFKC opens ligatures and full width; the ellipsis it would make three dots of.
    return known or unicodedata.normalize("NFKC", sign).casefold()
