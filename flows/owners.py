"""Who of several processes in one home is still alive: each holds a file lock while it lives.

A lock ends with its process, whatever ended it, so nothing has to be cleaned up by hand after a
crash and no process id can be mistaken for a later one's.
"""

import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from flows.closing import Closing
from flows.disk import user_disk_errors


class Owner(Closing):
    """One living user of a home; a context manager.

    Attributes:
        id: unique name, 32 hexadecimal digits.
    """

    def __init__(self, home: Path) -> None:
        """Take a new name in `home` and hold it.

        Raises:
            InputError: if `home` cannot be written.
        """
        self.id = uuid.uuid4().hex
        self._folder = home / "owners"
        with user_disk_errors(home):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._path(self.id))
            self._lock.acquire()

    def close(self) -> None:
        """Give the name up."""
        # Removed while it is held: whoever waits for it must not get a file that then vanishes.
        self._path(self.id).unlink(missing_ok=True)
        self._lock.release()

    def is_alive(self, owner: str) -> bool:
        """Tell whether the process that took the name `owner` still runs."""
        if owner == self.id:
            return True
        path = self._path(owner)
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        lock.release()
        return False

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"
