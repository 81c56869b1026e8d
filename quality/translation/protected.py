"""What a translation must not touch: code, addresses, placeholders, markup."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

_PROTECTED: Final = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)"  # blocks of code
    r"|`[^`\n]+`"
    r"|\$\$.+?\$\$|\\\(.+?\\\)|\\\[.+?\\\]"  # formulas
    r"|https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]"
    r"|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"
    r"|\{\{[^{}]*\}\}|\$?\{[A-Za-z_][\w.]*\}|%\([A-Za-z_]\w*\)[sd]"  # placeholders
    r"|</?[A-Za-z][^<>]*>",  # markup
    re.DOTALL,
)
_BRACKETS: Final = (("[[", "]]"), ("<<", ">>"), ("((", "))"), ("{{{", "}}}"))


class Protected(NamedTuple):
    """A text with marks in place of what must not change.

    Attributes:
        text: to be translated.
        pieces: what the marks stand for, in their order.
        brackets: of the marks; the original text does not hold marks of this kind.
    """

    text: str
    pieces: tuple[str, ...]
    brackets: tuple[str, str]

    def mark(self, place: int) -> str:
        """Return the mark of a piece, counted from 0."""
        return f"{self.brackets[0]}{place + 1}{self.brackets[1]}"


def protect(text: str) -> Protected:
    """Put marks in place of code, formulas, addresses, placeholders and markup.

    Args:
        text: any text.

    Example:
        >>> protect("Run `ls` in {folder}.").text
        'Run [[1]] in [[2]].'
    """
    brackets = next(
        (pair for pair in _BRACKETS if not _mark_pattern(pair).search(text)), _BRACKETS[0]
    )
    pieces: list[str] = []

    def replace(found: re.Match[str]) -> str:
        pieces.append(found.group())
        return f"{brackets[0]}{len(pieces)}{brackets[1]}"

    return Protected(_PROTECTED.sub(replace, text), tuple(pieces), brackets)


def lost_marks(translated: str, protected: Protected) -> list[str]:
    """Return the pieces whose marks a translation does not hold exactly once.

    Args:
        translated: with marks.
        protected: what was translated.

    Returns:
        Pieces in their order, then marks that stand for nothing.
    """
    found = Counter(int(number) for number in _mark_pattern(protected.brackets).findall(translated))
    wanted = range(1, len(protected.pieces) + 1)
    lost = [protected.pieces[number - 1] for number in wanted if found[number] != 1]
    return lost + [protected.mark(number - 1) for number in sorted(found) if number not in wanted]


def restore(translated: str, protected: Protected) -> str:
    """Put the pieces back in place of their marks.

    Example:
        >>> kept = protect("Run `ls` in {folder}.")
        >>> restore("In [[2]] [[1]] aufrufen.", kept)
        'In {folder} `ls` aufrufen.'
    """
    pieces: Sequence[str] = protected.pieces

    def piece(found: re.Match[str]) -> str:
        number = int(found[1])
        return pieces[number - 1] if 1 <= number <= len(pieces) else found.group()

    return _mark_pattern(protected.brackets).sub(piece, translated)


def _mark_pattern(brackets: tuple[str, str]) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(brackets[0])}\s?(\d{{1,4}})\s?{re.escape(brackets[1])}")
