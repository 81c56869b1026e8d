"""What was handed in as a batch, so that `kill -9` at no moment makes anyone pay twice.

An intent, with its requests, is on the disk before anything is uploaded. The server gets its id as
metadata, so a batch that was created while nobody could note it is found again. An intent is
deleted when the results are in the journal, never before.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from flows.closing import Closing
from flows.disk import open_wal, user_disk_errors
from flows.journal import in_parts
from flows.owners import Owner
from flows.teachers.batch_files import BatchRequest
from schemas.errors import RunError

FILE = "batches.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY,
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    dataset TEXT NOT NULL,          -- whose budget pays
    owner TEXT NOT NULL,            -- process that hands it in
    created REAL NOT NULL,          -- seconds since 1970
    batch_id TEXT                   -- null until the server has told it
);
CREATE TABLE IF NOT EXISTS requests (
    intent TEXT NOT NULL,
    key TEXT NOT NULL,
    base_url TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    sample INTEGER NOT NULL,
    request TEXT NOT NULL,          -- the body, JSON; holds no key
    PRIMARY KEY (intent, key)
);
CREATE INDEX IF NOT EXISTS requests_by_key ON requests (key);
-- Requests in files that `feingold batch write` made; kept, so that a file can be read again.
CREATE TABLE IF NOT EXISTS written (
    key TEXT PRIMARY KEY,
    base_url TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    sample INTEGER NOT NULL,
    request TEXT NOT NULL
);
"""
_REQUEST = "key, base_url, endpoint, model, sample, request"
_INTENT = "id, base_url, model, dataset, owner, created, batch_id"


@dataclass(frozen=True, slots=True)
class Intent:
    """A batch that is to be, or is, under way.

    Attributes:
        id: unique, and the batch's metadata at the server.
        base_url: who is asked.
        model: likewise.
        dataset: whose budget pays.
        owner: process that hands it in.
        created: seconds since 1970.
        batch_id: the server's name for it, null until it is known.
    """

    id: str
    base_url: str
    model: str
    dataset: str
    owner: str
    created: float
    batch_id: str | None = None


class BatchState(Closing):
    """The batches of one home; a context manager."""

    def __init__(self, home: Path) -> None:
        """Open the file in `home`.

        Raises:
            InputError: if `home` cannot be written.
            RunError: if the file cannot be opened.
        """
        self.path = home / FILE
        self._lock = threading.Lock()
        with user_disk_errors(home):
            home.mkdir(parents=True, exist_ok=True)
        self._owner = Owner(home)
        with self._errors():
            # FULL: an intent that a power cut forgot is a batch paid twice.
            self._db = open_wal(self.path, "PRAGMA synchronous=FULL", isolation_level=None)
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
        self._owner.close()

    def begin(
        self, requests: Sequence[BatchRequest], *, dataset: str
    ) -> tuple[Intent, list[BatchRequest]]:
        """Say durably that requests are about to be handed in as one batch.

        Args:
            requests: for one model of one teacher.
            dataset: whose budget pays.

        Returns:
            The intent and its requests. Those that are under way already are left out; where that
            leaves none, nothing is stored.
        """
        first = requests[0]
        intent = Intent(
            uuid.uuid4().hex, first.base_url, first.model, dataset, self._owner.id, time.time()
        )
        with self._changing():
            others = self._under_way([request.key for request in requests])
            mine = [request for request in requests if request.key not in others]
            if mine:
                marks = ",".join("?" * 7)
                self._db.execute(f"INSERT INTO intents VALUES ({marks})", astuple(intent))  # noqa: S608
                self._db.executemany(
                    f"INSERT INTO requests VALUES ({marks})",  # noqa: S608 - question marks
                    [(intent.id, *_values(request)) for request in mine],
                )
        return intent, mine

    def created(self, intent: str, batch_id: str) -> None:
        """Note the server's name for the batch of an intent."""
        with self._changing():
            self._db.execute("UPDATE intents SET batch_id = ? WHERE id = ?", (batch_id, intent))

    def finish(self, intent: str) -> None:
        """Forget an intent: its results are in the journal, or it has never become a batch."""
        with self._changing():
            self._db.execute("DELETE FROM intents WHERE id = ?", (intent,))
            self._db.execute("DELETE FROM requests WHERE intent = ?", (intent,))

    def get(self, intent: str) -> Intent | None:
        """Return an intent that is not finished."""
        rows = self._read(f"SELECT {_INTENT} FROM intents WHERE id = ?", (intent,))  # noqa: S608
        return Intent(*rows[0]) if rows else None

    def unfinished(self, base_url: str, model: str) -> list[Intent]:
        """Return what is under way with a teacher, the oldest first."""
        query = (
            f"SELECT {_INTENT} FROM intents WHERE base_url = ? AND model = ? "  # noqa: S608
            "ORDER BY created, id"
        )
        return [Intent(*row) for row in self._read(query, (base_url, model))]

    def under_way(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the intent of each of `keys` that is under way."""
        with self._errors(), self._lock:
            return self._under_way(keys)

    def requests_of(self, intent: str) -> list[BatchRequest]:
        """Return the requests of an intent, in the order in which they were given."""
        query = f"SELECT {_REQUEST} FROM requests WHERE intent = ? ORDER BY rowid"  # noqa: S608
        return [BatchRequest(*row) for row in self._read(query, (intent,))]

    def is_alive(self, intent: Intent) -> bool:
        """Tell whether the process that hands it in still runs."""
        return self._owner.is_alive(intent.owner)

    def note_written(self, requests: Sequence[BatchRequest]) -> None:
        """Keep requests whose replies will come in a file."""
        with self._changing():
            self._db.executemany(
                "INSERT OR REPLACE INTO written VALUES (?,?,?,?,?,?)",
                [_values(request) for request in requests],
            )

    def known(self, keys: Sequence[str]) -> dict[str, BatchRequest]:
        """Return the requests among `keys` that went into a file or a batch."""
        found: dict[str, BatchRequest] = {}
        for part in in_parts(keys):
            marks = ",".join("?" * len(part))
            for table in ("requests", "written"):
                query = f"SELECT {_REQUEST} FROM {table} WHERE key IN ({marks})"  # noqa: S608
                found.update((row[0], BatchRequest(*row)) for row in self._read(query, part))
        return found

    def _under_way(self, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in in_parts(keys):
            marks = ",".join("?" * len(part))
            query = f"SELECT key, intent FROM requests WHERE key IN ({marks})"  # noqa: S608
            found.update(self._db.execute(query, part).fetchall())
        return found

    def _read(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._errors(), self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One change, whole or not at all, and on the disk afterwards."""
        with self._errors(), self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            msg = (
                f"expected to note batches in {self.path}, got {str(error)!r}: make room or move "
                "the file away, then run this again"
            )
            raise RunError(msg) from error


def _values(request: BatchRequest) -> tuple[object, ...]:
    # `astuple` copies deeply and takes ten times as long.
    return tuple(getattr(request, field.name) for field in fields(request))
