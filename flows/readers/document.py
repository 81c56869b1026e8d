"""JSON documents: an array, `{"data": [...]}`, one object, objects in a row, or JSON lines.

A damaged document is not given up: every record that can be read is read, and each damaged stretch
is one quarantined record.
"""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from flows.readers.items import JSON_DECODER, JSON_ERRORS, Item, ReadOptions
from flows.readers.lines import read_lines
from flows.readers.sequence import Sequence, Text, read_sequence, skip

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PROBED_LINES: Final = 10
_PROBED_CHARACTERS: Final = 1_000_000


def read_document(handle: BinaryIO, options: ReadOptions) -> Iterator[Item]:
    """Yield the records of a JSON document.

    Args:
        handle: the file, UTF-8.
        options: passed on where the document turns out to be JSON lines.
    """
    data = handle.read()
    try:
        source = Text(data.decode("utf-8"), is_clean=True)
    except UnicodeDecodeError:
        source = Text(data.decode("utf-8", "surrogateescape"), is_clean=False)
    start = skip(_SPACE, source.text, 0)
    if start == len(source.text):
        return
    sequence = _recognise(source.text, start)
    if sequence is None:
        yield from read_lines(io.BytesIO(data), options)
    else:
        yield from read_sequence(source, sequence)


def _recognise(text: str, start: int) -> Sequence | None:
    """Return where the records of a document are, None if it is JSON lines."""
    if text[start] == "[":
        return Sequence(start + 1, is_array=True)
    array = _find_data_array(text, start)
    try:
        _, end = JSON_DECODER.raw_decode(text, start)
    except JSON_ERRORS:
        if _looks_like_lines(text, start):
            return None
        return array or Sequence(start, is_array=False)
    if skip(_SPACE, text, end) == len(text):
        return array._replace(has_tail=True) if array else Sequence(start, is_array=False)
    return Sequence(start, is_array=False) if "\n" in text[start:end] else None


def _looks_like_lines(text: str, start: int) -> bool:
    """Tell whether one of the first lines is a whole object, in a file whose begin is damaged."""
    probe = text[start : start + _PROBED_CHARACTERS].split("\n")
    lines = [line.strip() for line in probe if line.strip()]
    if len(lines) < 2 or lines[0].endswith(("[", "{")):
        return False
    return any(_is_object(line) for line in lines[:_PROBED_LINES])


def _is_object(line: str) -> bool:
    try:
        return isinstance(JSON_DECODER.decode(line), dict)
    except JSON_ERRORS:
        return False


def _find_data_array(text: str, start: int) -> Sequence | None:
    """Return the array of an object's top-level key `data`, without decoding the array."""
    place = start
    try:
        while place < len(text) and text[place] in "{,":
            key, place = JSON_DECODER.raw_decode(text, skip(_SPACE, text, place + 1))
            place = skip(_SPACE, text, place)
            if text[place : place + 1] != ":":
                return None
            place = skip(_SPACE, text, place + 1)
            if key == "data":
                is_array = text[place : place + 1] == "["
                return Sequence(place + 1, is_array=True) if is_array else None
            _, place = JSON_DECODER.raw_decode(text, place)
            place = skip(_SPACE, text, place)
    except JSON_ERRORS:
        return None
    return None
