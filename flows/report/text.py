"""Text of strangers, made safe to look at: controls shown, differences marked."""

import re
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

_COMPARED_CHARACTERS = 10_000
_WORD = re.compile(r"\w+")
_PART = re.compile(r"\w+|\W+")
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


class Piece(NamedTuple):
    """A stretch of text; `is_marked` where the row beside it does not have these words."""

    text: str
    is_marked: bool = False


def show_controls(text: str) -> str:
    r"""Replace what a reader cannot see, or what turns text around, by something visible.

    Line feed and tab stay. Control characters become their pictures, others U+FFFD; bidirectional
    controls, zero-width and tag characters become `[U+XXXX]`. Joiners (U+200C, U+200D) stay: words
    and emoji need them.

    Example:
        >>> show_controls("a\x00b\u202ec\n")
        'a\u2400b[U+202E]c\n'
    """
    return _UNSAFE.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}:
        return "\ufffd"
    return f"[U+{code:04X}]"


def mark_differences(text: str, beside: str) -> Iterator[Piece]:
    """Split a text into words that the other text has too and words that it has not.

    Nothing is marked where most words differ: that is seen without.
    """
    common = set(_WORD.findall(beside[:_COMPARED_CHARACTERS].casefold()))
    parts = _PART.findall(text)
    flags = [_is_word(part) and part.casefold() not in common for part in parts]
    if 2 * sum(flags) > sum(map(_is_word, parts)):
        flags = [False] * len(parts)
    for place in range(1, len(parts) - 1):  # what stands between two marked words
        if flags[place - 1] and flags[place + 1] and not _is_word(parts[place]):
            flags[place] = True
    for is_marked, group in groupby(zip(parts, flags, strict=True), key=itemgetter(1)):
        yield Piece("".join(part for part, _ in group), is_marked)


def _is_word(part: str) -> bool:
    return part[0].isalnum() or part[0] == "_"


def shorten(text: str, length: int) -> str:
    """Cut a text to `length` characters and show that it was cut."""
    return text if len(text) <= length else text[:length] + "…"
