"""What people do with a journal between runs: look at it and thin it out.

Looking writes nothing, not even beside the file, and makes no home. Every figure is computed while
the rows stream by: a journal may be larger than memory.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flows.disk import user_disk_errors
from flows.journal import FILE, Journal
from flows.owners import Owner
from schemas.errors import InputError, RunError

_GROUP_ROWS, _GROUP_CHARACTERS = 10_000, 32_000_000  # of one Parquet row group, at most
_SHOWN = 1_000  # faults that are told one by one
CHOSEN = (
    " FROM replies WHERE (:model IS NULL OR model = :model)"
    " AND (:dataset IS NULL OR dataset = :dataset)"
    " AND (:before IS NULL OR created < :before) AND (NOT :failures OR status != 200)"
)


@dataclass(slots=True)
class JournalLine:
    """What one teacher wrote on one dataset's budget.

    Attributes:
        base_url: endpoint; empty where no reply says whom the lost attempts went to.
        model: model that was asked for; empty like `base_url`.
        dataset: whose budget paid.
        replies: stored replies, failures included.
        failures: those of them with a status other than 200.
        prompt_tokens: tokens billed for prompts.
        completion_tokens: tokens billed for answers.
        cost_usd: price of the replies, in US dollars.
        bytes: of requests and bodies.
        first: when the oldest reply was stored, ISO 8601 in UTC.
        last: when the newest was.
        losses: attempts that brought no reply and may have been billed.
        losses_usd: their price at worst, in US dollars.
    """

    base_url: str
    model: str
    dataset: str
    replies: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    bytes: int = 0
    first: str | None = None
    last: str | None = None
    losses: int = 0
    losses_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class JournalSize:
    """How large a journal is.

    Attributes:
        file_bytes: of the SQLite file.
        wal_bytes: of its write-ahead log, which only a running or a killed process leaves.
        replies: stored replies.
        request_bytes: of the requests alone.
        body_bytes: of the reply bodies alone.
        mean_bytes: bytes on the disk for one reply; 0 where there is none.
    """

    file_bytes: int = 0
    wal_bytes: int = 0
    replies: int = 0
    request_bytes: int = 0
    body_bytes: int = 0
    mean_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which replies are meant; what is left out does not choose.

    Attributes:
        model: the model that was asked for.
        dataset: whose budget paid.
        older_than_seconds: least age.
        failures: only those with a status other than 200.
    """

    model: str | None = None
    dataset: str | None = None
    older_than_seconds: float | None = None
    failures: bool = False

    def values(self) -> dict[str, Any]:
        """Return the parameters of the queries."""
        age = self.older_than_seconds
        before = None if age is None else time.time() - age
        return {
            "model": self.model,
            "dataset": self.dataset,
            "before": before,
            "failures": self.failures,
        }


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning took away, or would.

    Attributes:
        replies: number of replies.
        bytes: of their requests and bodies.
        cost_usd: what asking for them again would cost, in US dollars.
        is_deleted: whether they are gone.
        freed_bytes: by which the file has shrunk.
    """

    replies: int
    bytes: int
    cost_usd: float
    is_deleted: bool = False
    freed_bytes: int = 0


@contextmanager
def opened_to_read(home: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the journal of `home` for looking.

    Yields:
        The connection; None where there is no journal, or one without tables.

    Raises:
        InputError: if `home` is no directory.
        RunError: if the file is damaged, or another process wrote into it meanwhile.
    """
    path = home / FILE
    if not _has_journal(home):
        yield None
        return
    # At rest a journal is one file. To read it SQLite would lay two more beside it and leave them
    # there; told that nobody writes, it does not. That has to be checked afterwards.
    mark = None if _wal(path).exists() else _mark(path)
    mode = "mode=ro" if mark is None else "mode=ro&immutable=1"
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=60)
        ) as db:
            tables = "SELECT count(*) FROM sqlite_master WHERE name = 'replies'"
            yield db if db.execute(tables).fetchone()[0] else None
    except sqlite3.Error as error:
        _require_unchanged(path, mark)
        raise _damaged(path, error) from error
    _require_unchanged(path, mark)


def list_journal(home: Path) -> list[JournalLine]:
    """Return one line for each teacher and dataset, sorted.

    Raises:
        RunError: if the file is damaged.
    """
    # LIMIT keeps SQLite from merging the two queries: the sorter of GROUP BY would hold bodies.
    replies = (
        "SELECT base_url, model, dataset, count(*), sum(status != 200), sum(prompt_tokens),"
        " sum(completion_tokens), sum(cost_usd), sum(bytes),"
        " strftime('%Y-%m-%dT%H:%M:%SZ', min(created), 'unixepoch'),"
        " strftime('%Y-%m-%dT%H:%M:%SZ', max(created), 'unixepoch')"
        " FROM (SELECT base_url, model, dataset, status, prompt_tokens, completion_tokens,"
        " cost_usd, created, length(CAST(request AS BLOB)) + length(CAST(body AS BLOB)) AS bytes"
        " FROM replies LIMIT -1) GROUP BY 1, 2, 3"
    )
    losses = (
        "SELECT base_url, model, dataset, sum(requests), sum(usd) FROM losses"
        " WHERE key != '' GROUP BY 1, 2, 3"
    )
    lines: dict[tuple[str, str, str], JournalLine] = {}
    with opened_to_read(home) as db:
        if db is None:
            return []
        for row in db.execute(replies):
            lines[row[:3]] = JournalLine(*row)
        for row in db.execute(losses):
            line = lines.setdefault(row[:3], JournalLine(*row[:3]))
            line.losses, line.losses_usd = row[3], row[4]
    return [lines[name] for name in sorted(lines)]


def size_journal(home: Path) -> JournalSize:
    """Return what the journal takes on the disk.

    Raises:
        RunError: if the file is damaged.
    """
    path = home / FILE
    query = (
        "SELECT count(*), coalesce(sum(length(CAST(request AS BLOB))), 0),"
        " coalesce(sum(length(CAST(body AS BLOB))), 0) FROM replies"
    )
    with opened_to_read(home) as db:
        replies, requests, bodies = (0, 0, 0) if db is None else db.execute(query).fetchone()
        file, wal = _size(path), _size(_wal(path))
    mean = (file + wal) / replies if replies else 0.0
    return JournalSize(file, wal, replies, requests, bodies, round(mean, 1))


def prune_journal(home: Path, choice: Choice, *, is_confirmed: bool) -> Pruned:
    """Delete replies, or say what would go. What was lost on attempts stays: budgets count it.

    Args:
        home: whose journal.
        choice: which replies.
        is_confirmed: false deletes nothing.

    Raises:
        InputError: if there is no journal.
        RunError: if another process of this home is alive, or the file is damaged.
    """
    path, values = home / FILE, choice.values()
    with opened_to_read(home) as db:
        doomed = _doomed(required(db, home), values)
    if not is_confirmed:
        return doomed
    with Owner(home) as me:
        require_alone(home, me.id)
        Journal(home).close()  # refuses a damaged file, or one of another version
        before = _size(path)
        doomed = _delete(path, values)
        freed = before - _size(path)
    return replace(doomed, is_deleted=True, freed_bytes=freed)


# What was spent on replies stays spent when they go: budgets go on counting it, under no key.
_KEEP_SPENT = (
    "INSERT INTO losses SELECT '', dataset, count(*), sum(prompt_tokens + completion_tokens),"
    " sum(cost_usd), 'pruned', base_url, model, unixepoch()"
)


def _delete(path: Path, values: dict[str, Any]) -> Pruned:
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            doomed = _doomed(db, values)
            db.execute(_KEEP_SPENT + CHOSEN + " GROUP BY dataset, base_url, model", values)
            db.execute("DELETE" + CHOSEN, values)
            db.execute("COMMIT")
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        msg = (
            f"expected to thin out {path}, got {str(error)!r}: make room (it takes as much again "
            "as the file), then run this again"
        )
        raise RunError(msg) from error
    return doomed


def require_alone(home: Path, me: str) -> None:
    """Make sure that no other process of `home` lives.

    Args:
        home: the home.
        me: the name that this process holds there.

    Raises:
        RunError: if one does.
    """
    alive = 0
    for path in (home / "owners").glob("*.lock"):
        if path.stem == me:
            continue
        # Not `Owner.is_alive`, which deletes the file of the dead: a process that is just starting
        # has its file before its lock.
        lock = FileLock(path)
        with user_disk_errors(path):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                alive += 1
            else:
                lock.release()
    if alive:
        msg = (
            f"expected nobody else to use {home}, got {alive} other process"
            f"{'es' if alive > 1 else ''} at work: wait for the end, then run this again"
        )
        raise RunError(msg)


def _has_journal(home: Path) -> bool:
    if home.exists() and not home.is_dir():
        msg = f"expected a directory, got the file {str(home)!r}: name another one with --home"
        raise InputError(msg)
    with user_disk_errors(home):
        return (home / FILE).is_file()


def required(db: sqlite3.Connection | None, home: Path) -> sqlite3.Connection:
    """Return the connection, if there is one.

    Raises:
        InputError: if there is no journal.
        RunError: if the file holds none.
    """
    if db is not None:
        return db
    path = home / FILE
    if path.is_file():
        msg = (
            f"expected a journal, got a file of {_size(path):,} bytes without a table in {path}: "
            "put a copy in its place, or move it away and pay for its replies again"
        )
        raise RunError(msg)
    msg = f"expected a journal, got no file {path}: name the home of one with --home"
    raise InputError(msg)


def _require_unchanged(path: Path, mark: tuple[int, ...] | None) -> None:
    if mark is not None and mark != _mark(path):
        msg = (
            f"expected nobody to write while {path} is read, got another process that did: run "
            "this again"
        )
        raise RunError(msg)


def _damaged(path: Path, error: sqlite3.Error) -> RunError:
    return RunError(
        f"expected a working journal, got {str(error)!r} in {path}: put a copy in its place, or "
        "move it away and pay for its replies again"
    )


def _mark(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _doomed(db: sqlite3.Connection, values: dict[str, Any]) -> Pruned:
    query = (
        "SELECT count(*), coalesce(sum(length(CAST(request AS BLOB)) + length(CAST(body AS BLOB))),"
        " 0), coalesce(sum(cost_usd), 0.0)"
    )
    return Pruned(*db.execute(query + CHOSEN, values).fetchone())
