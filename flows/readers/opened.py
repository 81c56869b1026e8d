"""Opening a file of unknown making: compressed or not, with or without a byte order mark."""

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schemas.errors import InputError

_GZIP_MAGIC: Final = b"\x1f\x8b"
_WIDE_MARKS: Final = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def open_source(path: Path) -> Iterator[io.BufferedReader]:
    """Open `path` for reading UTF-8 bytes, decompressed and without a byte order mark.

    gzip is recognised by its first bytes, not by its name; UTF-16 and UTF-32 by their mark.

    Raises:
        InputError: if there is no such file, it is a directory, or it may not be read.
        EOFError: if compressed data end too early; also `gzip.BadGzipFile` and `zlib.error`, here
            or while reading.
    """
    try:
        handle = path.open("rb")
    except FileNotFoundError as error:
        msg = f"expected a file, found none at {str(path)!r}: check the path"
        raise InputError(msg) from error
    except IsADirectoryError as error:
        msg = f"expected a file, got the directory {str(path)!r}: name its files, as in '*.jsonl'"
        raise InputError(msg) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"expected a readable file, got {reason!r} for {str(path)!r}: check its permissions"
        raise InputError(msg) from error
    with handle:
        yield _without_mark(_decompressed(handle))


def _decompressed(handle: io.BufferedReader) -> io.BufferedReader:
    if handle.peek(2)[:2] != _GZIP_MAGIC:
        return handle
    return io.BufferedReader(gzip.GzipFile(fileobj=handle))


def _without_mark(handle: io.BufferedReader) -> io.BufferedReader:
    head = handle.peek(4)[:4]
    if head.startswith(codecs.BOM_UTF8):
        handle.read(len(codecs.BOM_UTF8))
        return handle
    for mark, encoding in _WIDE_MARKS:
        if head.startswith(mark):
            return _as_utf8(handle.read(), encoding)
    return handle


def _as_utf8(data: bytes, encoding: str) -> io.BufferedReader:
    """Return UTF-16 or UTF-32 data as UTF-8, with damage left where it is.

    Half a surrogate pair and a cut last character become bytes that are not UTF-8, so that the
    reader finds them on their own line.
    """
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    try:
        text = decoder.decode(data)
    except UnicodeDecodeError as error:
        text = data[: error.start].decode(encoding, "replace") + "\udcff"
    rest = b"\xff" if decoder.getstate()[0] else b""
    return io.BufferedReader(io.BytesIO(text.encode("utf-8", "surrogatepass") + rest))
