"""Every reply that was paid for, stored before anything uses it.

One SQLite file per home, write-ahead logged: a reply is there whole or not at all, whatever
`kill -9` interrupts. The key is a hash of the whole request, so that no changed prompt, model,
parameter or endpoint is ever answered by an old reply, and one row more asks for one reply more.

Replies that come together are committed together: a commit waits for the disk, and one wait does
for all of them.
"""

import asyncio
import hashlib
import json
import queue
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from flows.closing import Closing
from flows.disk import open_wal, user_disk_errors
from schemas.errors import RunError

FILE = "journal.sqlite"
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
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
    seconds REAL NOT NULL,          -- from sending to the last byte
    dataset TEXT NOT NULL,          -- whose budget paid
    body_sha256 TEXT NOT NULL,
    created REAL NOT NULL           -- seconds since 1970
)""",
    # What was or may have been billed for attempts that brought no reply.
    """
CREATE TABLE IF NOT EXISTS losses (
    key TEXT NOT NULL,
    dataset TEXT NOT NULL,
    requests INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    usd REAL NOT NULL,
    error TEXT NOT NULL,
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    created REAL NOT NULL
)""",
)
_VERSION = 2
_BATCH = 500  # replies in one commit; keys in one look-up


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
        dataset: whose budget paid.
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
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """What an attempt cost, or may have cost, that brought no reply.

    Attributes:
        key: of the request.
        dataset: whose budget paid.
        requests: attempts.
        tokens: prompt and completion tokens, at worst.
        usd: US dollars, at worst.
        error: one line.
        base_url: endpoint that was asked.
        model: model that was asked for.
    """

    key: str
    dataset: str
    requests: int
    tokens: int
    usd: float
    error: str
    base_url: str = ""
    model: str = ""


class Spent(NamedTuple):
    """What one dataset has spent with one teacher, in this home.

    Attributes:
        base_url: endpoint.
        model: model that was asked for.
        requests: replies and attempts that brought none.
        tokens: prompt and completion tokens; of what brought no reply at worst.
        usd: US dollars, likewise.
    """

    base_url: str
    model: str
    requests: int
    tokens: int
    usd: float


_COLUMNS = ", ".join(field.name for field in fields(JournalEntry))
_MARKS = ",".join("?" * (len(fields(JournalEntry)) + 2))
# A stored failure gives way to a later reply, never the other way round.
_PUT_REPLY = (
    f"INSERT INTO replies VALUES ({_MARKS}) ON CONFLICT(key) DO UPDATE SET "  # noqa: S608 - constants
    + ", ".join(
        f"{name}=excluded.{name}"
        for name in (
            *("status", "body", "prompt_tokens", "completion_tokens", "cost_usd", "seconds"),
            *("dataset", "body_sha256", "created"),
        )
    )
    + " WHERE replies.status != 200"
)
# What a failure took stays spent when a later reply takes its place.
_KEEP_SPENT = (
    "INSERT INTO losses SELECT key, dataset, 1, prompt_tokens + completion_tokens, cost_usd,"
    " 'asked again', base_url, model, created FROM replies WHERE key = ? AND status != 200"
)
_PUT_LOSS = "INSERT INTO losses VALUES (?,?,?,?,?,?,?,?,?)"

Record = JournalEntry | Loss
#: Fields of a body that hold a JSON schema.
_SCHEMA_FIELDS = frozenset({"response_format", "structured_outputs", "json_schema"})
_SURROGATE = re.compile("[\ud800-\udfff]")


def request_key(base_url: str, endpoint: str, body: Mapping[str, Any], sample: int) -> str:
    """Return the journal key: a hash of all that shapes the reply."""
    return text_key(base_url, endpoint, canonical_body(body), sample)


def text_key(base_url: str, endpoint: str, text: str, sample: int) -> str:
    """The same for a body that is text already, from `canonical_body`."""
    # No part but the last can hold a line break, so no two requests look the same.
    whole = f"{base_url}\n{endpoint}\n{sample}\n{text}"
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def body_hash(body: str) -> str:
    """Return the checksum of a reply body."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


class Journal(Closing):
    """The journal of one home; safe to use from several threads and processes."""

    def __init__(self, home: Path) -> None:
        """Open or create the journal.

        Raises:
            InputError: if `home` cannot be written.
            RunError: if the file is damaged, or of another version.
        """
        self.path = home / FILE
        self._lock = threading.Lock()
        with user_disk_errors(home):
            home.mkdir(parents=True, exist_ok=True)
        self._writer: _Writer | None = None
        self._is_closed = False
        try:
            self._db = self._connect()
            self._prepare()
        except sqlite3.Error as error:
            raise RunError(self._line(error)) from error

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == _VERSION:
            return
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and not self._is_being_made():
            self._db.close()
            msg = (
                f"expected a journal of version {_VERSION}, got version {version} in {self.path}: "
                "move the file away, or use the feingold that wrote it"
            )
            raise RunError(msg)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={_VERSION}")

    def _is_being_made(self) -> bool:
        """Whether another process made the tables between our two looks."""
        return bool(self._db.execute("PRAGMA user_version").fetchone()[0] == _VERSION)

    def close(self) -> None:
        """Store what is under way, then close the file."""
        with self._lock:
            self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        self._db.close()

    def get(self, key: str) -> JournalEntry | None:
        """Return the stored reply, if there is one."""
        return self.find([key]).get(key)

    def find(self, keys: Sequence[str]) -> dict[str, JournalEntry]:
        """Return the stored replies among `keys`."""
        found: dict[str, JournalEntry] = {}
        for part in in_parts(keys):
            marks = ",".join("?" * len(part))
            query = f"SELECT {_COLUMNS} FROM replies WHERE key IN ({marks})"  # noqa: S608 - question marks
            for row in self.read(query, part):
                found[row[0]] = JournalEntry(*row)
        return found

    def losses(self, dataset: str) -> dict[str, Loss]:
        """Return what was paid for nothing on behalf of `dataset`, by request key."""
        query = (
            "SELECT key, dataset, sum(requests), sum(tokens), sum(usd), max(error), base_url,"
            " model FROM losses WHERE dataset = ? GROUP BY key"
        )
        return {row[0]: Loss(*row) for row in self.read(query, (dataset,))}

    def spent_by(self, dataset: str) -> list[Spent]:
        """Return what `dataset` has paid for, whether it brought replies or not."""
        query = (
            "SELECT base_url, model, sum(requests), sum(tokens), sum(usd) FROM ("
            " SELECT base_url, model, 1 AS requests, prompt_tokens + completion_tokens AS tokens,"
            " cost_usd AS usd FROM replies WHERE dataset = ?1"
            " UNION ALL SELECT base_url, model, requests, tokens, usd FROM losses"
            " WHERE dataset = ?1) GROUP BY base_url, model"
        )
        return [Spent(*row) for row in self.read(query, (dataset,))]

    def put(self, *records: Record) -> None:
        """Store records; when this returns they are on the disk.

        Raises:
            RunError: if they cannot be stored (a full disk).
        """
        done: Future[None] = Future()
        self._writer_thread().put(records, done)
        done.result()

    def put_soon(self, *records: Record) -> "asyncio.Future[None]":
        """Store records together with others; the result is there when they are on the disk.

        Raises:
            RunError: from the future, if they cannot be stored.
        """
        done = asyncio.get_running_loop().create_future()
        self._writer_thread().put(records, done)
        return done

    def totals(self) -> dict[str, float]:
        """Return the number of replies, their tokens and their cost in US dollars."""
        query = (
            "SELECT count(*), coalesce(sum(prompt_tokens),0),"
            " coalesce(sum(completion_tokens),0), coalesce(sum(cost_usd),0) FROM replies"
        )
        names = ("replies", "prompt_tokens", "completion_tokens", "cost_usd")
        return dict(zip(names, self.read(query)[0], strict=True))

    def read(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query over the tables `replies` and `losses`.

        Raises:
            RunError: if the file is damaged.
        """
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RunError(self._line(error)) from error

    def _connect(self) -> sqlite3.Connection:
        # FULL: a reply that was paid for survives a power cut, too.
        return open_wal(self.path, "PRAGMA synchronous=FULL")

    def _writer_thread(self) -> "_Writer":
        with self._lock:
            if self._is_closed:
                raise RunError(self._line("a reply after the journal was closed"))
            if self._writer is None:
                self._writer = _Writer(self._connect(), self._line)
            return self._writer

    def _line(self, error: object) -> str:
        return (
            f"expected a working journal, got {str(error)!r} in {self.path}: make room or move "
            "the file away, then run this again"
        )


_Done = Future[None] | asyncio.Future[None]


class _Writer:
    """One thread that commits whatever has come since its last commit."""

    def __init__(self, db: sqlite3.Connection, explain: Callable[[object], str]) -> None:
        self._db = db
        self._explain = explain
        self._queue: queue.SimpleQueue[tuple[Sequence[Record], _Done] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, records: Sequence[Record], done: _Done) -> None:
        self._queue.put((records, done))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._db.close()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            waiting = [item]
            while len(waiting) < _BATCH:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._queue.put(None)
                    break
                waiting.append(more)
            failure = self._store([record for records, _ in waiting for record in records])
            if failure is None or len(waiting) == 1:
                _settle([done for _, done in waiting], failure)
                continue
            for records, done in waiting:  # one that cannot be stored must not cost the others
                _settle([done], self._store(records))

    def _store(self, records: Iterable[Record]) -> RunError | None:
        now = time.time()
        replies, losses = [], []
        try:
            for record in records:
                if isinstance(record, Loss):
                    losses.append((*astuple(record), now))
                else:
                    replies.append((*_values(record), body_hash(record.body), now))
            with self._db:
                self._db.executemany(_KEEP_SPENT, [row[:1] for row in replies])
                self._db.executemany(_PUT_REPLY, replies)
                self._db.executemany(_PUT_LOSS, losses)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for the answer
            failure = RunError(self._explain(error))
            failure.__cause__ = error
            return failure
        return None


# `astuple` copies deeply and takes ten times as long.
_values = attrgetter(*(field.name for field in fields(JournalEntry)))


def _settle(waiting: Sequence[_Done], failure: RunError | None) -> None:
    """Tell every waiter; one call into each event loop does for all of its futures."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for done in waiting:
        if isinstance(done, Future):
            _finish([done], failure)
        else:
            by_loop.setdefault(done.get_loop(), []).append(done)
    for loop, futures in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_finish, futures, failure)


def _finish(waiting: Sequence[_Done], failure: RunError | None) -> None:
    for done in waiting:
        if done.done():  # cancelled meanwhile
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)


def in_parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Divide keys into as many as one query takes."""
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


def canonical_body(body: Mapping[str, Any]) -> str:
    """Return the JSON text of a request body, the same for any order of its fields.

    The properties of a JSON schema keep theirs: servers have them written in that order, and
    reasons that come behind the verdict reason about nothing.
    """
    has_schema = not _SCHEMA_FIELDS.isdisjoint(body)
    text = json.dumps(
        _sort_fields(body) if has_schema else body,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=not has_schema,
    )
    # Half of a character pair can neither be sent nor stored.
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _sort_fields(value: Any, *, is_sorted: bool = True) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, Mapping):
        names = sorted(value) if is_sorted else list(value)
        return {
            name: _sort_fields(value[name], is_sorted=not is_sorted or name != "properties")
            for name in names
        }
    return [_sort_fields(item) for item in value] if isinstance(value, list | tuple) else value
