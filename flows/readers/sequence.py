"""Records one after the other in a JSON document, and what can be saved of a damaged one."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from flows.readers.items import (
    JSON_DECODER,
    JSON_ERRORS,
    Damage,
    Item,
    Record,
    describe_json_error,
)

_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")
_AFTER_LAST: Final = re.compile(r"[ \t\r\n,\]}]*")
_FIRST_KEY: Final = re.compile(r'\{\s*("[^"\\]*")\s*:')
_UNDECODED: Final = re.compile("[\udc80-\udcff]")


class Text(NamedTuple):
    """A decoded file; bytes that are not UTF-8 are lone surrogates in it (if not `is_clean`)."""

    text: str
    is_clean: bool


class Sequence(NamedTuple):
    """Where a sequence of records begins, and what surrounds it.

    Attributes:
        start: place of the first record, or of white space before it.
        is_array: whether "]" ends it, not the end of the file.
        has_tail: whether what follows "]" is known to be sound: the other keys of a wrapper.
    """

    start: int
    is_array: bool
    has_tail: bool = False


class _Span(NamedTuple):
    start: int
    end: int


def skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return the end of a match of `pattern`, which matches everywhere, at `start`."""
    match = pattern.match(text, start)
    return match.end() if match else start


def read_sequence(source: Text, sequence: Sequence) -> Iterator[Item]:
    """Yield the records of a sequence; commas between them are not insisted on.

    Args:
        source: the whole file.
        sequence: where the records are.
    """
    text, place, counted, line = source.text, sequence.start, 0, 1
    sample: _Span | None = None
    while True:
        place = skip(_BETWEEN, text, place)
        line += text.count("\n", counted, place)
        counted = place
        if place == len(text):
            if sequence.is_array:
                detail = "expected ']' after the last record, got the end: the file is cut short"
                yield Damage(line, "invalid_json", detail, "")
            return
        if sequence.is_array and text[place] == "]" and _is_over(text, place + 1, sequence):
            return
        try:
            value, end = JSON_DECODER.raw_decode(text, place)
        except JSON_ERRORS:
            yield from _salvage(source, place, line, sample)
            return
        yield _checked(source, value, _Span(place, end), line)
        if isinstance(value, dict):
            sample = _Span(place, end)
        place = end


def _is_over(text: str, start: int, sequence: Sequence) -> bool:
    """Tell whether nothing that could be a record follows the array."""
    return sequence.has_tail or skip(_AFTER_LAST, text, start) == len(text)


def _checked(source: Text, value: object, span: _Span, line: int) -> Item:
    """Return a decoded record, or its damage if some of its bytes are not UTF-8."""
    if source.is_clean or not _UNDECODED.search(source.text, *span):
        return Record(line, value)
    raw = _visible(source.text[span.start : span.end])
    return Damage(line, "bad_encoding", "expected UTF-8, got other bytes in the record", raw)


def _visible(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _salvage(source: Text, start: int, line: int, sample: _Span | None) -> Iterator[Item]:
    """Yield the damaged record at `start` and the records after it, each decoded by itself."""
    text = source.text
    begin = _begin_of_record(text, start, sample)
    marks = [mark.start() for mark in begin.finditer(text, start + 1)] if begin else []
    for end in [*marks, len(text)]:
        yield _decode_piece(source, _Span(start, end), line)
        line += text.count("\n", start, end)
        start = end


def _begin_of_record(text: str, place: int, sample: _Span | None) -> re.Pattern[str] | None:
    r"""Return what a record begins with and nothing inside a record does; None if not known.

    In a file with one record a paragraph: a line break, the indentation of the records and a
    brace. A line break cannot be inside a JSON string, and nested objects are indented further.
    Elsewhere: a brace and the first key of the last sound record, `sample`. Inside a string the
    quotes would be `\"`. If nested objects begin with that key too, nothing is certain, and the
    rest of the file is one damaged record.
    """
    start, end = sample or _Span(place, place)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if not indent.strip(" \t"):
        return re.compile(r"(?<=\n" + re.escape(indent) + r")\{")
    key = _FIRST_KEY.match(text, start, end) if sample else None
    if key is None:
        return None
    begin = re.compile(r"\{\s*" + re.escape(key[1]) + r"\s*:")
    return begin if len(begin.findall(text, start, end)) == 1 else None


def _decode_piece(source: Text, span: _Span, line: int) -> Item:
    piece = source.text[span.start : span.end].strip(" \t\r\n")
    after = _AFTER_LAST if span.end == len(source.text) else _BETWEEN
    try:
        value, stop = JSON_DECODER.raw_decode(piece)
    except JSON_ERRORS as error:
        return Damage(line, "invalid_json", describe_json_error(error), _visible(piece))
    if not after.fullmatch(piece, stop):
        detail = f"expected a comma after the record, got {_visible(piece[stop : stop + 40])!r}"
        return Damage(line, "invalid_json", detail, _visible(piece))
    return _checked(source, value, span, line)
