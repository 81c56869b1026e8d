"""Remembers what a language model has read, so that hours of reading survive a kill."""

import hashlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from flows.disk import open_wal, user_disk_errors
from flows.language_model.chat import Spelled
from schemas.errors import RunError

_SCHEMA = "CREATE TABLE IF NOT EXISTS losses (key BLOB PRIMARY KEY, nats REAL NOT NULL)"


class LossMemory:
    """Losses by a hash of their tokens, in one SQLite file that several processes may share."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened at each use, by whatever thread comes.

        Args:
            path: of the file; made with its directories.
        """
        self._path = path

    def recall(self, texts: Iterable[Spelled]) -> dict[Spelled, float]:
        """Return the losses, in nats, of those texts that were read before.

        Raises:
            InputError: if the directory cannot be written.
            RunError: if the file is no database or the disk is full.
        """
        found = {}
        with self._open() as db:
            for text in texts:
                look_up = db.execute("SELECT nats FROM losses WHERE key = ?", (_key(text),))
                line = look_up.fetchone()
                if line is not None:
                    found[text] = float(line[0])
        return found

    def keep(self, losses: Mapping[Spelled, float]) -> None:
        """Write losses down, in nats.

        Raises:
            InputError: if the directory cannot be written.
            RunError: if the file is no database or the disk is full.
        """
        lines = [(_key(text), nats) for text, nats in losses.items()]
        with self._open() as db:
            db.executemany("INSERT OR REPLACE INTO losses VALUES (?, ?)", lines)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with user_disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(open_wal(self._path, "PRAGMA synchronous=NORMAL")) as db, db:
                db.execute(_SCHEMA)
                yield db
        except sqlite3.Error as error:
            msg = (
                f"expected a file of remembered losses, got {str(error)!r} for {self._path}; "
                "make room or delete it, then run the same command again"
            )
            raise RunError(msg) from error


def _key(text: Spelled) -> bytes:
    digest = hashlib.blake2b(array("I", text.context).tobytes(), digest_size=16)
    # Context and answer must not run into each other.
    digest.update(b"|" + array("I", text.answer).tobytes())
    return digest.digest()
