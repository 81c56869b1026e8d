"""One Prefect server for the whole test session, however many workers pytest-xdist starts.

Starting an ephemeral server costs every process ten seconds. The controller chooses a port and
tells all processes through the environment; who first needs the server starts it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

_HOME = "FEINGOLD_TESTS_PREFECT"
_CONTROLLER = "FEINGOLD_TESTS_CONTROLLER"
#: Serves until the test session is gone, however it ended.
_SERVE = """
import os, sys, threading, time, uvicorn
def watch():
    while os.path.exists(f"/proc/{sys.argv[1]}"):
        time.sleep(1)
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
app = "prefect.server.api.server:create_app"
uvicorn.run(app, factory=True, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""
_QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def choose_place() -> None:
    """Name home and address in the environment, for this process and those it starts."""
    if _HOME in os.environ:  # a worker: the controller has chosen
        return
    folder = tempfile.mkdtemp(prefix="feingold-prefect-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(_QUIET)
    os.environ[_HOME] = os.environ["PREFECT_HOME"] = folder
    os.environ[_CONTROLLER] = str(os.getpid())
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"


def ensure_running(cache: Path) -> str:
    """Start the server unless it runs; return its address.

    Args:
        cache: where a migrated, empty database is kept between sessions: migrating takes longest.
    """
    home, url = Path(os.environ[_HOME]), os.environ["PREFECT_API_URL"]
    with FileLock(home / "start.lock"):
        if not _is_up(url):
            _start(home, url, cache / f"prefect-{version('prefect')}.db")
    return url


def stop() -> None:
    """Stop the server, if the session started one."""
    home = Path(os.environ[_HOME])
    noted = home / "server.pid"
    if noted.exists():
        pid = int(noted.read_text())
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while _is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    shutil.rmtree(home, ignore_errors=True)


def _start(home: Path, url: str, migrated: Path) -> None:
    database = home / "prefect.db"
    is_new = not migrated.exists()
    if not is_new:
        shutil.copyfile(migrated, database)
    port = url.removesuffix("/api").rpartition(":")[2]
    environment = {
        **os.environ,
        "PREFECT__SERVER_EPHEMERAL": "1",  # no UI, no scheduler
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
    }
    environment.pop("PREFECT_API_URL")
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, os.environ[_CONTROLLER], port],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (home / "server.pid").write_text(str(server.pid))
    deadline = time.monotonic() + 180
    while not _is_up(url):
        if server.poll() is not None or time.monotonic() > deadline:
            msg = f"the Prefect server did not start: {(home / 'server.log').read_text()[-2000:]}"
            raise RuntimeError(msg)
        time.sleep(0.1)
    if is_new:
        _keep_migrated(database, migrated)


def _keep_migrated(database: Path, target: Path) -> None:
    import sqlite3
    from contextlib import closing

    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy)
    draft.replace(target)


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return Path(f"/proc/{pid}").exists()
