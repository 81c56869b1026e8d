"""Writing so that a crash, a full disk or a read-only directory loses nothing."""

import errno
import io
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import polars as pl

from schemas.errors import FeingoldError, InputError, RunError

# Polars tells a full disk as its own error, with the number in the text.
_OS_ERROR = re.compile(r"([^:]+) \(os error (\d+)\)")
_LOCKED_SECONDS = 60
_USERS_FAULT = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@contextmanager
def user_disk_errors(where: Path) -> Iterator[None]:
    """Turn an operating system error about `where` into one line.

    Raises:
        InputError: no permission, a read-only file system, or a file where a directory should be.
        RunError: a full disk or a failing one.
    """
    try:
        yield
    except OSError as error:
        raise _explain(error.errno, error.strerror or str(error), where) from error
    except pl.exceptions.PolarsError as error:
        found = _OS_ERROR.search(str(error))
        if found is None:
            raise
        raise _explain(int(found[2]), found[1], where) from error


def _explain(number: int | None, reason: str, where: Path) -> FeingoldError:
    reason = reason.strip().lower()
    if number in _USERS_FAULT:
        msg = f"expected a writable directory, got {reason!r} for {where}: name another one"
        return InputError(msg)
    msg = f"expected to write to {where}, got {reason!r}: make room, then run this again"
    return RunError(msg)


def require_writable(directory: Path) -> None:
    """Create `directory` and prove that a file can be written there, before any work is done.

    Raises:
        InputError: if it cannot.
    """
    with user_disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".feingold-probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()


def sync_tree(directory: Path) -> None:
    """Flush every file below `directory`, and the directories, to the disk."""
    for path in [*directory.rglob("*"), directory]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with user_disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Replace a Parquet file, whole or not at all."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_atomically(path, buffer.getvalue())


def open_wal(
    path: Path,
    *pragmas: str,
    isolation_level: Literal["DEFERRED", "EXCLUSIVE", "IMMEDIATE"] | None = "DEFERRED",
) -> sqlite3.Connection:
    """Open a write-ahead logged SQLite file for any thread, waiting for others up to a minute.

    Args:
        path: of the file; made if it is missing.
        pragmas: set on the connection.
        isolation_level: of `sqlite3.connect`.

    Raises:
        sqlite3.Error: if it is no database, locked for good, or there is no room.
    """
    deadline = time.monotonic() + _LOCKED_SECONDS
    while True:
        db = sqlite3.connect(
            path,
            timeout=_LOCKED_SECONDS,
            check_same_thread=False,
            isolation_level=isolation_level,
        )
        try:
            # Counts only while the file is made; larger pages hold replies with less waste.
            db.execute("PRAGMA page_size=16384")
            db.execute("PRAGMA journal_mode=WAL")
            for pragma in pragmas:
                db.execute(pragma)
        except sqlite3.OperationalError as error:
            db.close()
            # The time limit above does not cover the switch to write-ahead logging.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        except BaseException:
            db.close()
            raise
        else:
            return db
