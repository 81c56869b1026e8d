"""Proves that a journal still holds what was written: the file, every key and every body."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.journal import body_hash, request_key
from flows.journal_tools import opened_to_read, required
from schemas.errors import RunError

_SHOWN = 1_000  # faults that are told one by one


@dataclass(frozen=True, slots=True)
class Fault:
    """A stored reply that is not what was stored.

    Attributes:
        key: as it is stored.
        what: `key` (of the request), `body` (its checksum) or `request` (not even readable).
        expected: what it should be.
        got: what is there.
    """

    key: str
    what: str
    expected: str
    got: str


@dataclass(slots=True)
class Verified:
    """What a check of the whole journal found.

    Attributes:
        replies: replies that could be read.
        damage: what SQLite says about the file; empty for a sound one.
        faulty: number of faults.
        faults: the first thousand of them.
    """

    replies: int = 0
    damage: list[str] = field(default_factory=list)
    faulty: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether file, keys and bodies are as they were written."""
        return not self.damage and not self.faulty


def verify_journal(home: Path) -> Verified:
    """Check the file, every key and every body.

    Raises:
        InputError: if there is no journal.
        RunError: if the file holds none, or another process wrote into it meanwhile.
    """
    found = Verified()
    columns = "key, base_url, endpoint, sample, request, body, body_sha256"
    try:
        with opened_to_read(home) as journal:
            db = required(journal, home)
            # A damaged text is to be told with its key, not to end the check.
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            found.damage += _integrity(db)
            for row in db.execute(f"SELECT {columns} FROM replies"):  # noqa: S608 - constants
                found.replies += 1
                for fault in _faults(row):
                    found.faulty += 1
                    if found.faulty <= _SHOWN:
                        found.faults.append(fault)
    except RunError as error:
        # The rows end here: as far as they came, they are told.
        if not isinstance(error.__cause__, sqlite3.Error):
            raise
        if str(error.__cause__) not in found.damage:
            found.damage.append(str(error.__cause__))
    return found


def _integrity(db: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong; an error is one of its findings."""
    try:
        rows = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    # One row may hold many lines, and a heading.
    lines = [line for row in rows for line in row.splitlines()]
    return [line for line in lines if line != "ok" and not line.startswith("***")]


def _faults(row: Sequence[Any]) -> Iterator[Fault]:
    key, base_url, endpoint, sample, request, body, checksum = row
    try:
        true_key = request_key(base_url, endpoint, json.loads(request), sample)
    except (TypeError, ValueError, RecursionError) as error:
        yield Fault(str(key), "request", "JSON", f"{type(error).__name__}: {error}")
    else:
        if true_key != key:
            yield Fault(str(key), "key", true_key, str(key))
    true_checksum = body_hash(str(body))
    if true_checksum != checksum:
        yield Fault(str(key), "body", str(checksum), true_checksum)
