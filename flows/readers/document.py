"""JSON documents: an array, `{"data": [...]}`, one object, objects in a row, or JSON lines.

A damaged document is not given up: every record that can be read is read, and each damaged stretch
is one quarantined record.
"""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from flows.readers.items import (
    JSON_DECODER,
    JSON_ERRORS,
    Damage,
    Item,
    ReadOptions,
    Record,
    describe_json_error,
)
from flows.readers.lines import read_lines

_BETWEEN = re.compile(r"[ \t\r\n,]*")
_SPACE = re.compile(r"[ \t\r\n]*")
_AFTER_LAST = re.compile(r"[ \t\r\n,\]}]*")
_UNDECODED = re.compile("[\udc80-\udcff]")
_PROBED_LINES: Final = 10


class _Text(NamedTuple):
    """A decoded file; bytes that are not UTF-8 are lone surrogates in it (if not `is_clean`)."""

    text: str
    is_clean: bool


class _Shape(NamedTuple):
    """Where a sequence of records begins, and what surrounds it."""

    start: int
    is_array: bool
    is_wrapped: bool = False


def read_document(handle: BinaryIO, options: ReadOptions) -> Iterator[Item]:
    """Yield the records of a JSON document.

    Args:
        handle: the file, UTF-8.
        options: passed on where the document turns out to be JSON lines.
    """
    data = handle.read()
    try:
        source = _Text(data.decode("utf-8"), is_clean=True)
    except UnicodeDecodeError:
        source = _Text(data.decode("utf-8", "surrogateescape"), is_clean=False)
    start = _skip(_SPACE, source.text, 0)
    if start == len(source.text):
        return
    if source.text[start] == "[":
        yield from _read_sequence(source, _Shape(start + 1, is_array=True))
        return
    shape = _recognise(source.text, start)
    if shape is None:
        yield from read_lines(io.BytesIO(data), options)
    else:
        yield from _read_sequence(source, shape)


def _skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return the end of a match of `pattern`, which matches everywhere, at `start`."""
    match = pattern.match(text, start)
    return match.end() if match else start


def _recognise(text: str, start: int) -> _Shape | None:
    """Return what a document that is no array holds, None for JSON lines."""
    array = _find_data_array(text, start)
    try:
        _, end = JSON_DECODER.raw_decode(text, start)
    except JSON_ERRORS:
        if _looks_like_lines(text, start):
            return None
        return array or _Shape(start, is_array=False)
    if _skip(_SPACE, text, end) == len(text):
        return array or _Shape(start, is_array=False)
    return _Shape(start, is_array=False) if "\n" in text[start:end] else None


def _looks_like_lines(text: str, start: int) -> bool:
    """Tell whether one of the first lines is a whole object, in a file whose begin is damaged."""
    lines = [line for line in text[start : start + 1_000_000].splitlines() if line.strip()]
    if len(lines) < 2 or lines[0].rstrip().endswith(("[", "{")):
        return False
    for line in lines[:_PROBED_LINES]:
        try:
            if isinstance(JSON_DECODER.decode(line.strip()), dict):
                return True
        except JSON_ERRORS:
            continue
    return False


def _find_data_array(text: str, start: int) -> _Shape | None:
    """Return the array of an object's top-level key `data`, without decoding the array."""
    place = start
    try:
        while place < len(text) and text[place] in "{,":
            key, place = JSON_DECODER.raw_decode(text, _skip(_SPACE, text, place + 1))
            place = _skip(_SPACE, text, place)
            if text[place : place + 1] != ":":
                return None
            place = _skip(_SPACE, text, place + 1)
            if key == "data":
                is_array = text[place : place + 1] == "["
                return _Shape(place + 1, is_array=True, is_wrapped=True) if is_array else None
            _, place = JSON_DECODER.raw_decode(text, place)
            place = _skip(_SPACE, text, place)
    except JSON_ERRORS:
        return None
    return None


def _read_sequence(source: _Text, shape: _Shape) -> Iterator[Item]:
    text, place, counted = source.text, shape.start, 0
    line = 1
    while True:
        place = _skip(_BETWEEN, text, place)
        line += text.count("\n", counted, place)
        counted = place
        if place == len(text):
            if shape.is_array:
                detail = "expected ']' after the last record, got the end: the file is cut short"
                yield Damage(line, "invalid_json", detail, "")
            return
        if shape.is_array and text[place] == "]":
            yield from _read_tail(text, place + 1, line, shape)
            return
        try:
            value, end = JSON_DECODER.raw_decode(text, place)
        except JSON_ERRORS:
            yield from _salvage(source, place, line)
            return
        yield _record(source, value, place, end, line)
        place = end


def _record(source: _Text, value: object, start: int, end: int, line: int) -> Item:
    if source.is_clean or not _UNDECODED.search(source.text, start, end):
        return Record(line, value)
    raw = _visible(source.text[start:end])
    return Damage(line, "bad_encoding", "expected UTF-8, got other bytes in the record", raw)


def _visible(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read_tail(text: str, start: int, line: int, shape: _Shape) -> Iterator[Item]:
    """Yield what follows the array as one damaged record; in a wrapper, other keys may follow."""
    tail = text[start:].strip()
    if tail and not shape.is_wrapped:
        detail = "expected the end of the file after the array, got more text"
        yield Damage(line, "invalid_json", detail, _visible(tail))


def _salvage(source: _Text, start: int, line: int) -> Iterator[Item]:
    """Yield the damaged record at `start` and the records after it.

    Where the next record begins can be told only in a file with one record a paragraph: at a line
    break, the indentation of the damaged record and a brace. A line break cannot be inside a JSON
    string, and nested objects are indented further. Elsewhere the rest is one damaged record.
    """
    text = source.text
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    ends = [len(text)]
    if not indent.strip(" \t"):
        marks = re.compile("\n" + re.escape(indent) + r"(?=\{)").finditer(text, start)
        ends = [*(mark.start() for mark in marks), len(text)]
    for end in ends:
        yield _decode_piece(source, start, end, line)
        line += text.count("\n", start, end + 1)
        start = end + 1


def _decode_piece(source: _Text, start: int, end: int, line: int) -> Item:
    piece = source.text[start:end].strip(" \t\r\n")
    after = _AFTER_LAST if end == len(source.text) else _BETWEEN
    try:
        value, stop = JSON_DECODER.raw_decode(piece)
    except JSON_ERRORS as error:
        return Damage(line, "invalid_json", describe_json_error(error), _visible(piece))
    if not after.fullmatch(piece, stop):
        detail = f"expected a comma after the record, got {_visible(piece[stop : stop + 40])!r}"
        return Damage(line, "invalid_json", detail, _visible(piece))
    if not source.is_clean and _UNDECODED.search(piece):
        detail = "expected UTF-8, got other bytes in the record"
        return Damage(line, "bad_encoding", detail, _visible(piece))
    return Record(line, value)
