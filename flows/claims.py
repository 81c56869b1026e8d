"""Which process asks for what: two runs in one home never ask for the same reply at once.

A claim is taken before a request is sent and given up when its reply is in the journal. A claim of
a process that is gone counts for nothing. The file may be lost at any time: it only says what is
under way, so it is written without waiting for the disk.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.closing import Closing
from flows.disk import open_wal, user_disk_errors
from flows.journal import Loss, in_parts
from flows.owners import Owner
from schemas.errors import RunError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    -- Of a request that has left under a budget; null before.
    dataset TEXT, base_url TEXT, model TEXT, tokens INTEGER, usd REAL
)
"""
_GONE = "the process that asked was killed before the reply came"


class Claims(Closing):
    """The claims of one process; a context manager."""

    def __init__(self, home: Path) -> None:
        """Open the claims of `home`.

        Raises:
            InputError: if `home` cannot be written.
            RunError: if the file cannot be opened.
        """
        self._path = home / "claims.sqlite"
        self._held: set[str] = set()
        #: What processes that are gone had sent of the requests that we took over from them.
        self.inherited: list[Loss] = []
        with user_disk_errors(home):
            home.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except sqlite3.Error as error:
            raise self._failure(error) from error
        self._owner = Owner(home)

    def close(self) -> None:
        """Give up every claim."""
        try:
            self.release(list(self._held))
        finally:
            self._db.close()
            self._owner.close()

    def take(self, keys: Sequence[str]) -> set[str]:
        """Claim `keys`; return those that are now ours.

        What was not ours a moment ago may have been answered meanwhile: look into the journal
        again before asking.
        """
        won: set[str] = set()
        for part in in_parts(keys):
            won |= self._take(part)
        self._held |= won
        return won

    def mark_sent(self, loss: Loss) -> None:
        """Note that a claimed request leaves, and what it costs at worst.

        Should we die before its reply is stored, the next run counts that as spent.
        """
        values = (loss.dataset, loss.base_url, loss.model, loss.tokens, loss.usd)
        query = (
            "UPDATE claims SET dataset=?, base_url=?, model=?, tokens=?, usd=?"
            " WHERE key = ? AND owner = ?"
        )
        with self._transaction():
            self._db.execute(query, (*values, loss.key, self._owner.id))

    def left_behind(self) -> list[Loss]:
        """Return what processes that are gone had sent and got no reply for."""
        with self._transaction():
            return self._sent(self._dead(self._owners()))

    def forget(self) -> None:
        """Forget all claims of processes that are gone, once `left_behind` is stored."""
        with self._transaction():
            dead = self._dead(self._owners())
            self._db.executemany("DELETE FROM claims WHERE owner = ?", [(owner,) for owner in dead])

    def release(self, keys: Sequence[str]) -> None:
        """Give up claims; for what is not claimed this does nothing."""
        held = [key for key in keys if key in self._held]
        if not held:
            return
        self._held.difference_update(held)
        with self._transaction():
            self._db.executemany(
                "DELETE FROM claims WHERE key = ? AND owner = ?",
                [(key, self._owner.id) for key in held],
            )

    def _take(self, keys: Sequence[str]) -> set[str]:
        mine = self._owner.id
        marks = ",".join("?" * len(keys))
        with self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO claims (key, owner) VALUES (?, ?)",
                [(key, mine) for key in keys],
            )
            query = f"SELECT key, owner FROM claims WHERE key IN ({marks})"  # noqa: S608 - question marks
            owners: dict[str, str] = dict(self._db.execute(query, keys).fetchall())
            dead = self._dead(owners.values())
            orphans = [key for key, owner in owners.items() if owner in dead]
            if orphans:
                self.inherited += [loss for loss in self._sent(dead) if loss.key in orphans]
            self._db.executemany(
                "UPDATE claims SET owner = ?, tokens = NULL WHERE key = ?",
                [(mine, key) for key in orphans],
            )
        return {key for key, owner in owners.items() if owner == mine or owner in dead}

    def _owners(self) -> list[str]:
        return [row[0] for row in self._db.execute("SELECT DISTINCT owner FROM claims")]

    def _dead(self, owners: Iterable[str]) -> set[str]:
        return {owner for owner in set(owners) if not self._owner.is_alive(owner)}

    def _sent(self, owners: set[str]) -> list[Loss]:
        """What had left of the requests that `owners` claimed."""
        query = (
            "SELECT owner, key, dataset, tokens, usd, base_url, model FROM claims"
            " WHERE tokens IS NOT NULL"
        )
        return [
            Loss(key, dataset, 1, tokens, usd, _GONE, base_url, model)
            for owner, key, dataset, tokens, usd, base_url, model in self._db.execute(query)
            if owner in owners
        ]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _open(self) -> sqlite3.Connection:
        """Open the file; what is no database is replaced, for it says nothing of value."""
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, or no room
                raise
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = open_wal(self._path, "PRAGMA synchronous=OFF", isolation_level=None)
        db.execute(_SCHEMA)
        return db

    def _failure(self, error: sqlite3.Error) -> RunError:
        msg = (
            f"expected to note requests in {self._path}, got {str(error)!r}: make room or delete "
            "that file (it only says what is under way), then run this again"
        )
        return RunError(msg)
