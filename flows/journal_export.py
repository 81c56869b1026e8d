"""Takes replies out of a journal, as Parquet."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

from flows.disk import user_disk_errors
from flows.journal import FILE, JournalEntry
from flows.journal_tools import CHOSEN, Choice, opened_to_read, required
from schemas.errors import InputError, RunError

# Of one Parquet row group, at most; Arrow holds several times as much while it writes one.
_GROUP_ROWS, _GROUP_CHARACTERS = 5_000, 16_000_000


def export_replies(home: Path, out: Path, choice: Choice) -> int:
    """Write replies to one Parquet file, which appears whole or not at all.

    Args:
        home: whose journal.
        out: the file.
        choice: which replies.

    Returns:
        The number of rows, in the order in which they were first stored.

    Raises:
        InputError: if there is no journal, or `out` cannot be written.
        RunError: if the journal is damaged, or the disk is full.
    """
    if out.is_dir() or out.suffix.lower() != ".parquet":
        msg = f"expected a Parquet file to write, got {str(out)!r}: say --out FILE.parquet"
        raise InputError(msg)
    columns = ", ".join(field.name for field in fields(JournalEntry))
    microseconds = "CAST(round(created * 1000000) AS INTEGER) AS created"
    query = f"SELECT {columns}, body_sha256, {microseconds}{CHOSEN} ORDER BY rowid"
    with opened_to_read(home) as db:
        required(db, home)
    with _draft(out) as draft, opened_to_read(home) as db:
        rows = required(db, home).execute(query, choice.values())
        return _write_parquet(rows, draft, home / FILE)


@contextmanager
def _draft(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when all is written, else vanishes."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with user_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as handle:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _write_parquet(rows: Iterable[Sequence[Any]], handle: BinaryIO, source: Path) -> int:
    """Write rows group by group; only one is in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[Any, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema(
        [
            *((entry.name, kinds[entry.type]) for entry in fields(JournalEntry)),
            ("body_sha256", pa.string()),
            ("created", pa.timestamp("us", tz="UTC")),
        ]
    )
    count = 0
    try:
        with pq.ParquetWriter(handle, schema, compression="zstd") as writer:
            for group in _groups(rows):
                columns = zip(*group, strict=True)
                arrays = [
                    pa.array(column, entry.type)
                    for column, entry in zip(columns, schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
                count += len(group)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        msg = f"expected sound replies, got {error} in {source}: see `feingold journal verify`"
        raise RunError(msg) from error
    return count


def _groups(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    group: list[Sequence[Any]] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(group) >= _GROUP_ROWS or characters >= _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group
