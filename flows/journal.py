"""Every reply that was paid for, stored before anything uses it.

One SQLite file per home, write-ahead logged: a reply is there whole or not at all, whatever
`kill -9` interrupts. The key is a hash of the whole request, so that no changed prompt, model,
parameter or endpoint is ever answered by an old reply, and one row more asks for one reply more.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flows.disk import user_disk_errors
from flows.store import hash_json
from schemas.errors import RunError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    created REAL NOT NULL,          -- seconds since 1970
    base_url TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    sample INTEGER NOT NULL,
    request TEXT NOT NULL,          -- the body, JSON; holds no key
    status INTEGER NOT NULL,        -- HTTP status
    body TEXT NOT NULL,             -- as it came
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_usd REAL NOT NULL,
    seconds REAL NOT NULL           -- from sending to the last byte
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One stored reply.

    Attributes:
        key: see `request_key`.
        base_url: endpoint; for the embedded teacher a name instead of its random port.
        endpoint: path below it.
        model: model that was asked for.
        sample: number of the draw.
        request: JSON body that was sent.
        status: HTTP status.
        body: reply body as it came.
        prompt_tokens: tokens billed for the prompt.
        completion_tokens: tokens billed for the answer.
        cost_usd: price of both, in US dollars.
        seconds: time from sending to the last byte.
    """

    key: str
    base_url: str
    endpoint: str
    model: str
    sample: int
    request: str
    status: int
    body: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    seconds: float


def request_key(base_url: str, endpoint: str, body: Mapping[str, Any], sample: int) -> str:
    """Return the journal key: a hash of all that shapes the reply."""
    return hash_json({"base_url": base_url, "endpoint": endpoint, "body": body, "sample": sample})


class Journal:
    """The journal of one home; safe to use from several threads and processes."""

    def __init__(self, home: Path) -> None:
        """Open or create the journal.

        Raises:
            InputError: if `home` cannot be written.
            RunError: if the file is damaged.
        """
        self.path = home / "journal.sqlite"
        self._lock = threading.Lock()
        with user_disk_errors(home):
            home.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            # FULL: a reply that was paid for survives a power cut, too.
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
            self._db.commit()
        except sqlite3.Error as error:
            raise RunError(self._line(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, key: str) -> JournalEntry | None:
        """Return the stored reply, if there is one."""
        query = (
            "SELECT key, base_url, endpoint, model, sample, request, status, body,"
            " prompt_tokens, completion_tokens, cost_usd, seconds FROM replies WHERE key = ?"
        )
        try:
            with self._lock:
                found = self._db.execute(query, (key,)).fetchone()
        except sqlite3.Error as error:
            raise RunError(self._line(error)) from error
        return None if found is None else JournalEntry(*found)

    def put(self, entry: JournalEntry) -> None:
        """Store a reply; when this returns it is on the disk.

        Raises:
            RunError: if it cannot be stored (a full disk).
        """
        values: tuple[object, ...] = (
            entry.key,
            time.time(),
            entry.base_url,
            entry.endpoint,
            entry.model,
            entry.sample,
            entry.request,
            entry.status,
            entry.body,
            entry.prompt_tokens,
            entry.completion_tokens,
            entry.cost_usd,
            entry.seconds,
        )
        marks = ",".join("?" * len(values))
        try:
            with self._lock, self._db:
                # A stored failure gives way to a later success, never the other way round.
                self._db.execute(
                    f"INSERT INTO replies VALUES ({marks}) ON CONFLICT(key) DO UPDATE SET "  # noqa: S608 - only question marks
                    "created=excluded.created, status=excluded.status, body=excluded.body,"
                    "prompt_tokens=excluded.prompt_tokens,"
                    "completion_tokens=excluded.completion_tokens,"
                    "cost_usd=excluded.cost_usd, seconds=excluded.seconds"
                    " WHERE replies.status != 200",
                    values,
                )
        except sqlite3.Error as error:
            raise RunError(self._line(error)) from error

    def totals(self) -> dict[str, float]:
        """Return the number of replies, their tokens and their cost in US dollars."""
        query = (
            "SELECT count(*), coalesce(sum(prompt_tokens),0),"
            " coalesce(sum(completion_tokens),0), coalesce(sum(cost_usd),0) FROM replies"
        )
        with self._lock:
            found = self._db.execute(query).fetchone()
        names = ("replies", "prompt_tokens", "completion_tokens", "cost_usd")
        return dict(zip(names, found, strict=True))

    def _line(self, error: sqlite3.Error) -> str:
        return (
            f"expected a working journal, got {str(error)!r} in {self.path}: make room or move "
            "the file away, then run this again"
        )


def canonical_body(body: Mapping[str, Any]) -> str:
    """Return the JSON text of a request body."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
