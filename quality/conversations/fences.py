"""Fences of code that a chat page's "Copy code" header ran into."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Words after a fence that name a language.
LANGUAGE: Final = re.compile(r"[\w+#.-]{1,20}")
_LABEL: Final = "Copy code"
_FENCE: Final = re.compile(r"([ \t>]*)(`{3,})(.*)")
_HEADER: Final = re.compile(r"[ \t]*([\w+#.-]{0,20})[ \t]*(?:Copy code[ \t]*)+(.*)")
_ONE_LINE: Final = re.compile(
    r"([ \t>]*)(`{3,})[ \t]*([\w+#.-]{0,20})[ \t]*(?:Copy code)+(.*?)\2[ \t]*"
)
_BLANKS: Final = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


class Line(NamedTuple):
    """A line of Markdown, and whether it is code or the fence around it."""

    text: str
    is_code: bool


def mark_code(text: str) -> Iterator[Line]:
    r"""Yield the lines of a text; a fence that is never closed holds all that follows.

    Example:
        >>> [line.is_code for line in mark_code("a\n```\nb\n```\nc")]
        [False, True, True, True, False]
    """
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if fence:
            yield Line(line, is_code=True)
            if found and found[2].startswith(fence) and not found[3].strip():
                fence = ""
        else:
            # Text after backticks that holds more of them is inline code, no fence.
            fence = found[2] if found and "`" not in found[3] else ""
            yield Line(line, is_code=bool(fence))


def collapse_blank_lines(text: str) -> str:
    r"""Make one blank line of several, but not in code.

    Example:
        >>> collapse_blank_lines("a\n\n\n\nb\n```\n\n\n\n```")
        'a\n\nb\n```\n\n\n\n```'
    """
    if not _BLANKS.search(text):
        return text
    kept: list[str] = []
    for line in mark_code(text):
        if line.is_code or line.text.strip() or not kept or kept[-1].strip():
            kept.append(line.text if line.is_code or line.text.strip() else "")
    return "\n".join(kept)


def repair_fences(text: str) -> str:
    r"""Take the header of a chat page out of fenced code and put the language behind the fence.

    Blocks with nothing but a header go. A fence that was never closed stays so: where the code
    ends cannot be known.

    Args:
        text: a turn in Markdown.

    Source:
        FastChat's `clean_sharegpt.py` repairs the header in the first line of a block by pattern.
        Differs: line by line, so that fences do not pair across blocks; also headers below the
        fence, on lines of their own, and closing fences behind the last line of code.

    Example:
        >>> repair_fences("```\npythonCopy codeprint(1)\n```")
        '```python\nprint(1)\n```'
    """
    if _LABEL not in text:
        return text
    lines = text.split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        found = _FENCE.match(lines[place])
        if found is None:
            kept.append(lines[place])
            place += 1
            continue
        block = _read_block(lines, place, found)
        kept += block.lines
        place = block.end
    return "\n".join(kept)


class _Block(NamedTuple):
    lines: list[str]
    end: int


def _read_block(lines: list[str], start: int, found: re.Match[str]) -> _Block:
    """Return a block of code as it should be, and the number of the line behind it."""
    indent, fence, _ = found.groups()
    one_line = _ONE_LINE.fullmatch(lines[start])
    if one_line:
        return _Block(_fenced(indent, fence, one_line[3], [one_line[4]]), start + 1)
    header = _read_header(lines, start, found[3])
    if header is None:
        end = _find_close(lines, start + 1, fence)
        return _Block(lines[start:end], end)
    body: list[str] = []
    place = header.end
    for line in [header.code, *lines[place:]]:
        if _closes(line, fence):
            return _Block(_fenced(indent, fence, header.language, body), place)
        if line.rstrip().endswith(fence) and line.count("`") == len(fence):
            body.append(line.rstrip()[: -len(fence)])
            return _Block(_fenced(indent, fence, header.language, body), place)
        if body or line.strip():
            body.append(line)
        place += 1
    return _Block([f"{indent}{fence}{header.language}", *body], len(lines))


def _find_close(lines: list[str], start: int, fence: str) -> int:
    """Return the number of the line behind the one that closes a fence."""
    closing = (place for place in range(start, len(lines)) if _closes(lines[place], fence))
    return next(closing, len(lines) - 1) + 1


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" \t>")
    return bare.startswith(fence) and not bare.strip("`")


class _Header(NamedTuple):
    language: str
    code: str
    end: int  # number of the first line behind it


def _read_header(lines: list[str], start: int, info: str) -> _Header | None:
    """Return what a page wrote above the code: beside the fence, below it, or over two lines."""
    found = _HEADER.fullmatch(info)
    if found:
        return _Header(found[1], found[2], start + 1)
    language = info.strip()
    if language and not LANGUAGE.fullmatch(language):
        return None
    place = start + 1
    following = [line.strip() for line in lines[place : place + 2]]
    if following and (found := _HEADER.fullmatch(lines[place])):
        return _Header(language or found[1], found[2], place + 1)
    if len(following) == 2 and following[1] == _LABEL and LANGUAGE.fullmatch(following[0]):
        return _Header(language or following[0], "", place + 2)
    return None


def _fenced(indent: str, fence: str, language: str, body: list[str]) -> list[str]:
    if not any(line.strip() for line in body):
        return []
    return [f"{indent}{fence}{language}", *body, f"{indent}{fence}"]
