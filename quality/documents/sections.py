"""Sections of a document, and the headings they stand under."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_FENCE: Final = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_ATX: Final = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE: Final = re.compile(r"[ ]{0,3}(=+|-{2,})[ \t]*$")
_MARKUP: Final = re.compile(r"[*_`]+|!?\[([^\]]*)\]\([^)]*\)")


class Section(NamedTuple):
    """A stretch of a document.

    Attributes:
        path: headings from the title down to its own, "" for none; pages of a PDF are headings.
        start: of its text, behind the heading, in characters.
        end: behind its last character.
    """

    path: tuple[str, ...]
    start: int
    end: int


def whole(text: str) -> list[Section]:
    """Return a text without headings as one section."""
    return [Section((), 0, len(text))]


def markdown_sections(text: str) -> list[Section]:
    r"""Cut a Markdown text at its headings, `#` or underlined; those in code are none.

    Args:
        text: Markdown.

    Returns:
        Sections that have more than white space, in their order.

    Example:
        >>> text = "# Bees\n\nThey fly.\n\n## Food\n\nNectar."
        >>> [(part.path, text[part.start:part.end].strip()) for part in markdown_sections(text)]
        [(('Bees',), 'They fly.'), (('Bees', 'Food'), 'Nectar.')]
    """
    marks = list(_headings(text))
    starts = [(0, 0, 0, ""), *marks]
    ends = [mark[0] for mark in marks] + [len(text)]
    found, path = [], list[tuple[int, str]]()
    for (_, begin, level, title), end in zip(starts, ends, strict=True):
        if level:
            path = [*(item for item in path if item[0] < level), (level, title)]
        if text[begin:end].strip():
            found.append(Section(tuple(name for _, name in path), begin, end))
    return found


def _headings(text: str) -> Sequence[tuple[int, int, int, str]]:
    """Return start of the heading, start of what follows, level and title of each."""
    found: list[tuple[int, int, int, str]] = []
    fence = ""
    before, before_start, place = "", 0, 0
    for line in text.splitlines(keepends=True):
        start, place = place, place + len(line)
        bare = line.rstrip("\r\n")
        mark = _FENCE.match(bare)
        if mark and (not fence or (mark[1][0] == fence[0] and len(mark[1]) >= len(fence))):
            fence, before = ("" if fence else mark[1]), ""
            continue
        if fence:
            continue
        atx, underline = _ATX.match(bare), _UNDERLINE.match(bare)
        if atx:
            found.append((start, place, len(atx[1]), _plain(atx[2])))
        elif underline and before.strip() and not before.lstrip().startswith(("-", "|", ">")):
            level = 1 if underline[1][0] == "=" else 2
            found.append((before_start, place, level, _plain(before)))
        before, before_start = ("" if atx or underline else bare), start
    return found


def _plain(title: str) -> str:
    return " ".join(_MARKUP.sub(lambda mark: mark[1] or "", title).split())
