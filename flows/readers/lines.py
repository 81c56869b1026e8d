"""JSON lines: one record a line, read one line at a time."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from flows.readers.items import (
    JSON_DECODER,
    JSON_ERRORS,
    Damage,
    Item,
    ReadOptions,
    Record,
    describe_json_error,
    visible_text,
)

_SKIP_BYTES: Final = 1 << 20
_MARK: Final = "\ufeff"  # files that were concatenated have one in the middle


def read_lines(handle: BinaryIO, options: ReadOptions) -> Iterator[Item]:
    """Yield one item for every line that is not blank.

    Args:
        handle: the file, UTF-8.
        options: the limit of one line.
    """
    number = 0
    limit = options.max_record_bytes
    while line := handle.readline(limit + 1):
        number += 1
        if len(line) > limit and not line.endswith(b"\n"):
            size = len(line) + _skip_line(handle)
            detail = f"expected at most {limit} bytes in one record, got {size}"
            yield Damage(number, "row_too_large", detail, visible_text(line))
        elif not line.isspace():
            yield _decode_line(number, line)


def _skip_line(handle: BinaryIO) -> int:
    """Read up to the end of the line and return how many bytes that were."""
    size = 0
    while rest := handle.readline(_SKIP_BYTES):
        size += len(rest)
        if rest.endswith(b"\n"):
            break
    return size


def _decode_line(number: int, line: bytes) -> Item:
    try:
        text = line.decode("utf-8").lstrip(_MARK).strip()
    except UnicodeDecodeError as error:
        detail = f"expected UTF-8, got {error.reason} at byte {error.start + 1} of the line"
        return Damage(number, "bad_encoding", detail, visible_text(line).strip())
    try:
        return Record(number, JSON_DECODER.decode(text))
    except JSON_ERRORS as error:
        return Damage(number, "invalid_json", describe_json_error(error), text)
