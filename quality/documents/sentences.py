"""Where the sentences of a text begin and end."""

import re
from collections.abc import Iterator
from typing import Final

_END: Final = re.compile(
    "[.!?\u2026]+[\"'\u201c\u201d\u2019\u00bb)\\]]*(?=\\s)|[\u3002\uff01\uff1f]+[\u300d\u300f]*"
)
_NEXT: Final = re.compile(r"\s+(\S)")
#: What ends with a dot and no sentence, English and German.
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[])(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|fig|no|approx|ca|inc|ltd|jr|sr|vol|pp?"
    r"|z\. ?b|d\. ?h|u\. ?a|o\. ?ä|bzw|usw|nr|abb|vgl|evtl|ggf|sog|tel|str|bspw|inkl|mio|mrd|jh"
    r"|[^\W\d_]|\d{1,2})\.$",
    re.IGNORECASE,
)


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield start and end of every sentence between two places, without the space around it.

    A dot ends a sentence where white space follows and then no small letter; behind an
    abbreviation, an initial and a number of one or two digits ("3. Mai") it ends none. Cutting too
    seldom makes a longer piece, cutting too often a broken one.

    Args:
        text: any text.
        start: in characters.
        end: in characters; null: the end of the text.

    Example:
        >>> text = "Dr. Ott came on 3. Mai. He stayed. Why?"
        >>> [text[first:last] for first, last in sentence_spans(text)]
        ['Dr. Ott came on 3. Mai.', 'He stayed.', 'Why?']
    """
    stop = len(text) if end is None else end
    first = start
    for mark in _END.finditer(text, start, stop):
        following = _NEXT.match(text, mark.end(), stop)
        is_dense = mark[0][0] in "\u3002\uff01\uff1f"
        if not is_dense and following is not None:
            if following[1].islower():
                continue
            if mark[0] == "." and _ABBREVIATION.search(
                text[max(first, mark.end() - 8) : mark.end()]
            ):
                continue
        yield from _trimmed(text, first, mark.end())
        first = mark.end()
    yield from _trimmed(text, first, stop)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
