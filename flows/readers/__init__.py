"""Readers of source files, chosen by extension, and by content where that says nothing."""

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from flows.readers.document import read_document
from flows.readers.items import (
    JSON_DECODER,
    JSON_ERRORS,
    MAX_RECORD_BYTES,
    Damage,
    Item,
    Reader,
    ReadOptions,
    Record,
)
from flows.readers.lines import read_lines
from flows.readers.opened import open_source
from flows.readers.tables import read_csv, read_parquet, sniff_delimiter
from schemas.errors import InputError

__all__ = ["MAX_RECORD_BYTES", "READERS", "Damage", "Item", "Record", "read_items"]

READERS: Final[Mapping[str, Reader]] = {
    ".jsonl": read_lines,
    ".ndjson": read_lines,
    ".json": read_document,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
}

_PARQUET_MAGIC: Final = b"PAR1"


def read_items(path: Path, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Iterator[Item]:
    """Yield every record of a file in its order, those that cannot be decoded as Damage.

    Args:
        path: the file; `.gz` may follow the extension.
        max_record_bytes: longest line of a JSONL file.

    Raises:
        InputError: if the file is missing, a directory, unreadable, of an unknown kind, or a table
            with a broken header.
    """
    options = ReadOptions(path, max_record_bytes)
    try:
        with open_source(path) as handle:
            if handle.peek(1):
                yield from _choose_reader(handle, path)(handle, options)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        detail = f"expected whole gzip data, got {str(error)[:200]!r}: the rest is lost"
        yield Damage(None, "bad_compression", detail, "")


def _choose_reader(handle: io.BufferedReader, path: Path) -> Reader:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = next((name for name in reversed(suffixes) if name != ".gz"), "")
    head = handle.peek(1)
    reader = READERS.get(suffix)
    if reader is read_lines and _is_array(head):
        return read_document
    return reader or _sniff(head, path)


def _is_array(head: bytes) -> bool:
    """Tell whether a file named JSON lines is an array: its first line is not a whole value."""
    if not head.lstrip().startswith(b"["):
        return False
    line, ended, rest = head.lstrip().partition(b"\n")
    try:
        JSON_DECODER.decode(line.decode("utf-8", "replace").strip())
    except JSON_ERRORS:
        return bool(ended) or len(head) >= io.DEFAULT_BUFFER_SIZE
    return not rest.strip() and len(head) < io.DEFAULT_BUFFER_SIZE


def _sniff(head: bytes, path: Path) -> Reader:
    """Return the reader for content whose name says nothing.

    Raises:
        InputError: if it looks like none of the known kinds.
    """
    if head.startswith(_PARQUET_MAGIC):
        return read_parquet
    if head.lstrip()[:1] in (b"[", b"{"):
        return read_document
    header = head.decode("utf-8", "replace").splitlines()[0]
    delimiter = sniff_delimiter(header)
    names = {name.strip('" ').lower() for name in header.split(delimiter)}
    if names & {"instruction", "prompt", "question", "query", "messages", "conversations"}:
        return read_csv
    msg = f"expected a file of kind {', '.join(READERS)} (or .gz), got {str(path)!r}: rename it"
    raise InputError(msg)
