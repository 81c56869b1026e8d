"""Tables: CSV and TSV with a header, and Parquet."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final

import polars as pl

from flows.readers.items import JSON_DECODER, JSON_ERRORS, Damage, Item, ReadOptions, Record
from quality.formats.turns import is_turn_list
from schemas.errors import InputError

_DELIMITERS: Final = (",", ";", "\t")
_LARGEST_FIELD: Final = 2**31 - 1  # the csv module refuses 128 KiB by default
_UNDECODED = re.compile("[\udc80-\udcff]")
# A table has no lists, so these columns hold them as JSON.
_JSON_COLUMNS: Final = frozenset({"messages", "conversations", "conversation", "items"})
# These are text as often: a list in them is read only where it is one of turns.
_TURN_COLUMNS: Final = frozenset({"prompt", "completion", "chosen", "rejected"})
_PARQUET_BATCH_ROWS: Final = 1_000


def read_csv(handle: BinaryIO, options: ReadOptions) -> Iterator[Item]:
    """Yield the rows of a table as objects; blank lines are no rows.

    A stray quote does not swallow the file: the line on which it opens is quarantined and reading
    goes on with the next one.

    Args:
        handle: the file, UTF-8.
        options: the path decides the delimiter: tab for `.tsv`, else what divides the header most.

    Raises:
        InputError: if the header has open quotes or two columns have one name.
    """
    csv.field_size_limit(_LARGEST_FIELD)
    text = handle.read().decode("utf-8", "surrogateescape")
    lines = list(io.StringIO(text, newline=""))
    tabs = ".tsv" in [suffix.lower() for suffix in options.path.suffixes]
    delimiter = "\t" if tabs else sniff_delimiter(lines[0] if lines else "")
    names: list[str] | None = None
    for start, end, cells in _split_rows(lines, delimiter):
        if names is None:
            names = _check_names(cells, options)
        else:
            yield _read_row(names, cells, "".join(lines[start:end]), start + 1)


def sniff_delimiter(header: str) -> str:
    """Return the delimiter that divides `header` into the most fields; a comma if none does."""
    counts = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: counts[mark])


def _split_rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yield (first line, line after the last, cells or the reason why there are none)."""
    start = 0
    while start < len(lines):
        first = start
        reader = csv.reader(_lines_from(lines, first), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                end = first + reader.line_num
                if cells:
                    yield start, end, cells
                start = end
        except csv.Error as error:
            yield start, start + 1, str(error)
            start += 1


def _lines_from(lines: list[str], first: int) -> Iterator[str]:
    """Yield the lines from `first` on, without copying them: each stray quote starts anew."""
    return (lines[place] for place in range(first, len(lines)))


def _check_names(cells: list[str] | str, options: ReadOptions) -> list[str]:
    if isinstance(cells, str):
        msg = f"expected column names, got {cells!r} in the header of {str(options.path)!r}: fix it"
        raise InputError(msg)
    names = [name.strip() for name in cells]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        msg = (
            f"expected different column names, got {', '.join(map(repr, twice))} more than once "
            f"in the header of {str(options.path)!r}: rename or remove the copies"
        )
        raise InputError(msg)
    return names


def _read_row(names: list[str], cells: list[str] | str, raw: str, line: int) -> Item:
    raw = raw.strip("\r\n")
    shown = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if _UNDECODED.search(raw):
        return Damage(line, "bad_encoding", "expected UTF-8, got other bytes in the row", shown)
    if isinstance(cells, str):
        return Damage(line, "csv_quote", f"expected closed quotes, got {cells!r}", shown)
    if len(cells) != len(names):
        detail = f"expected {len(names)} fields as in the header, got {len(cells)}"
        return Damage(line, "csv_field_count", detail, shown)
    pairs = zip(names, cells, strict=True)
    return Record(line, {name: _read_cell(name, cell) for name, cell in pairs})


def _read_cell(name: str, cell: str) -> object:
    if name in _JSON_COLUMNS | _TURN_COLUMNS and cell.lstrip().startswith("["):
        try:
            value = JSON_DECODER.decode(cell.strip())
        except JSON_ERRORS:
            return cell  # the form's parser says what is wrong with it
        return value if name in _JSON_COLUMNS or is_turn_list(value) else cell
    return cell


def read_parquet(handle: BinaryIO, options: ReadOptions) -> Iterator[Item]:
    """Yield the rows of a Parquet file as objects.

    Args:
        handle: the file.
        options: the path, for the message.

    Raises:
        InputError: if it is damaged or no Parquet file.
    """
    try:
        frame = pl.read_parquet(handle)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        msg = f"expected a Parquet file, got {reason!r} from {str(options.path)!r}: write it again"
        raise InputError(msg) from error
    for batch in frame.iter_slices(_PARQUET_BATCH_ROWS):
        for row in batch.iter_rows(named=True):
            yield Record(None, {name: _null_if_nan(value) for name, value in row.items()})


def _null_if_nan(value: object) -> object:
    """Return None for NaN: a column of missing texts comes from pandas as floats."""
    return None if isinstance(value, float) and math.isnan(value) else value
