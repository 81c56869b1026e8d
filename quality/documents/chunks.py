"""Cuts a document into chunks of a few hundred words, at paragraphs and sentences."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import polars as pl

from quality.documents.sections import Section
from quality.documents.sentences import sentence_spans
from quality.words import count_words

_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n\s*")
_FENCED: Final = re.compile(
    r"^[ ]{0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_ID_DIGITS: Final = 32


class Chunk(NamedTuple):
    """A piece of a document.

    Attributes:
        id: hash of document, place and text.
        document: its name.
        section: headings it stands under.
        start: in characters of the document's text.
        end: likewise; `text` is what stands between.
        text: of the chunk.
        words: in it.
    """

    id: str
    document: str
    section: tuple[str, ...]
    start: int
    end: int
    text: str
    words: int


class _Unit(NamedTuple):
    """A sentence, a block of code, or a piece of a sentence that is too long."""

    start: int
    end: int
    words: int
    opens: bool  # whether a paragraph begins here


def cut_document(
    name: str,
    text: str,
    sections: Sequence[Section],
    *,
    max_words: int = 300,
    overlap: int = 0,
) -> list[Chunk]:
    r"""Cut a document into chunks that stay inside their section.

    A chunk ends at a paragraph where that leaves it at least half full, else at a sentence. Only a
    sentence, or a block of code, that is longer than a whole chunk is cut inside.

    Args:
        name: of the document.
        text: of the document.
        sections: of the document, which do not overlap.
        max_words: in a chunk.
        overlap: words at the end of a chunk that the next one of the section repeats, at most, in
            whole sentences.

    Returns:
        Chunks in their order; without `overlap` every character that is no white space is in
        exactly one of them, headings aside.

    Example:
        >>> text = "One two. Three four.\n\nFive six."
        >>> [chunk.text for chunk in cut_document("a", text, [Section((), 0, 31)], max_words=4)]
        ['One two. Three four.', 'Five six.']
    """
    found = []
    for section in sections:
        units = list(_units(text, section, max_words))
        for first, last in _packed([unit.words for unit in units], units, max_words, overlap):
            start, end = units[first].start, units[last - 1].end
            piece = text[start:end]
            words = sum(unit.words for unit in units[first:last])
            key = f"{name}\x1f{start}\x1f{end}\x1f{piece}".encode("utf-8", "replace")
            number = hashlib.sha256(key).hexdigest()[:_ID_DIGITS]
            found.append(Chunk(number, name, section.path, start, end, piece, words))
    return found


def _units(text: str, section: Section, max_words: int) -> Iterator[_Unit]:
    spans = list(_spans(text, section))
    texts = pl.Series([text[start:end] for start, end, _ in spans], dtype=pl.String)
    counts = pl.DataFrame({"text": texts}).select(count_words(pl.col("text")))["text"]
    for (start, end, opens), words in zip(spans, counts, strict=True):
        if words <= max_words:
            yield _Unit(start, end, words, opens)
        else:
            yield from _pieces(text, start, end, max_words)


def _spans(text: str, section: Section) -> Iterator[tuple[int, int, bool]]:
    """Yield sentences and blocks of code: start, end and whether a paragraph begins."""
    place = section.start
    for block in _FENCED.finditer(text, section.start, section.end):
        yield from _prose(text, place, block.start())
        yield block.start(), block.end(), True
        place = block.end()
    yield from _prose(text, place, section.end)


def _prose(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    breaks = [(mark.start(), mark.end()) for mark in _BLANK_LINE.finditer(text, start, end)]
    edges = [start, *(edge for pair in breaks for edge in pair), end]
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        opens = True
        for left, right in sentence_spans(text, first, last):
            yield left, right, opens
            opens = False


def _pieces(text: str, start: int, end: int, max_words: int) -> Iterator[_Unit]:
    """Cut what is too long for any chunk between its words, or its characters where it has none."""
    words = list(re.finditer(r"\S+", text[start:end]))
    if len(words) <= max_words:  # a script without spaces
        for place in range(start, end, max_words):
            last = min(place + max_words, end)
            yield _Unit(place, last, last - place, place == start)
        return
    for first in range(0, len(words), max_words):
        part = words[first : first + max_words]
        yield _Unit(start + part[0].start(), start + part[-1].end(), len(part), first == 0)


def _packed(
    words: Sequence[int], units: Sequence[_Unit], max_words: int, overlap: int
) -> Iterator[tuple[int, int]]:
    """Yield first unit and the one behind the last of every chunk."""
    first = 0
    while first < len(units):
        last = first + 1
        while last < len(units) and sum(words[first : last + 1]) <= max_words:
            last += 1
        if last < len(units) and not units[last].opens:
            for place in range(last - 1, first, -1):
                if units[place].opens and 2 * sum(words[first:place]) >= max_words:
                    last = place
                    break
        yield first, last
        if last >= len(units):
            return
        first = _repeated_from(words, first, last, max_words, overlap)


def _repeated_from(
    words: Sequence[int], first: int, last: int, max_words: int, overlap: int
) -> int:
    """Return where the next chunk begins: some sentences back, where a new one still fits."""
    place = last
    while place - 1 > first and sum(words[place - 1 : last]) <= overlap:
        place -= 1
    while place < last and sum(words[place : last + 1]) > max_words:
        place += 1
    return place
