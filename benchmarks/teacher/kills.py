"""`kill -9` at 100 random moments of asking: what was in flight is asked again, nothing else.

    python -m benchmarks.teacher.kills
    python -m benchmarks.teacher.kills --kills 5 --prompts 300

A worker process asks through the engine and is killed; the next one goes on in the same home, until
one ends. The loopback server logs each request as it arrives, and the journal is read after each
kill. A `feingold run` takes ten seconds to start, so that whole runs are killed by a test instead.
"""

import argparse
import hashlib
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.teacher.engine import ROOT, Table, heading, server_stats, serving
from flows import journal

LATENCY_SECONDS = 0.02
IN_FLIGHT = 16
# The engine's own work beside the latency, on a machine that does other things, too.
SECONDS_PER_PROMPT = 1.3 * LATENCY_SECONDS / IN_FLIGHT


@dataclass
class Kill:
    """One kill.

    Attributes:
        after_seconds: from the first request of that process.
        arrived: requests of that process.
        stored: replies that it had committed.
        at_server: requests that the server had not answered yet.
    """

    after_seconds: float
    arrived: int
    stored: int
    at_server: int

    @property
    def lost(self) -> int:
        """Requests in flight: arrived, and the reply not in the journal."""
        return self.arrived - self.stored


@dataclass
class Chain:
    """A chain of restarts.

    Attributes:
        prompts: asked for.
        kills: in order.
        calm: what the undisturbed worker said.
        rough: what the last worker of the chain said.
        requests: of the chain.
        distinct: questions among them.
        paid_twice: requests whose reply was in the journal when they were sent.
    """

    prompts: int
    kills: list[Kill] = field(default_factory=list)
    calm: dict[str, Any] = field(default_factory=dict)
    rough: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    distinct: int = 0
    paid_twice: int = 0
    seconds: float = 0.0

    def broken(self, kills: int) -> list[str]:
        """The claims that do not hold."""
        again, lost = self.requests - self.distinct, sum(kill.lost for kill in self.kills)
        most = max((kill.lost for kill in self.kills), default=0)
        claims = {
            f"{len(self.kills)} kills, {kills} wanted": len(self.kills) == kills,
            f"{self.distinct} questions, {self.prompts} prompts": self.distinct == self.prompts,
            f"{again} requests beyond the distinct, {lost} lost in flight": again <= lost,
            f"{most} lost at one kill, {IN_FLIGHT} places": most <= IN_FLIGHT,
            f"{self.paid_twice} sent with a reply in the journal": self.paid_twice == 0,
            "another content": self.rough.get("sha256") == self.calm["sha256"],
            "not every prompt answered": self.rough.get("answered") == self.prompts,
        }
        return [line for line, holds in claims.items() if not holds]


class Log:
    """The server's log, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = path.stat().st_size

    def await_more(self, process: "subprocess.Popen[str]") -> bool:
        """Return when something has come; false where the process ended before."""
        while self._path.stat().st_size <= self._read:
            if process.poll() is not None:
                return False
            time.sleep(0.0002)
        return True

    def arrivals(self) -> list[str]:
        """The requests since the last call, by SHA-256 of their body."""
        with self._path.open(encoding="utf-8") as handle:
            handle.seek(self._read)
            notes = [json.loads(line) for line in handle]
            self._read = handle.tell()
        return [note["sha256"] for note in notes if "sha256" in note]


def run_chain(*, kills: int, prompts: int, seed: int) -> Chain:
    """Run once undisturbed, then kill again and again until a worker ends."""
    rng, chain, seen = random.Random(seed), Chain(prompts), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="feingold-kills-") as name:
        folder = Path(name)
        path = folder / "log.jsonl"
        with serving("--latency", LATENCY_SECONDS, "--log", path) as base_url:
            with _worker(folder / "calm", base_url, prompts) as process:
                chain.calm = json.loads(process.communicate()[0].splitlines()[-1])
            log, start = Log(path), time.monotonic()
            stored: set[str] = set()
            while not chain.rough:
                left = (prompts - len(stored)) * SECONDS_PER_PROMPT / (kills - len(chain.kills) + 1)
                # Without kills left, the worker ends long before.
                wait = rng.uniform(0, 2 * left) if len(chain.kills) < kills else 600.0
                with _worker(folder / "rough", base_url, prompts) as process:
                    at_server = _kill(process, log, wait)
                    said = process.communicate()[0].splitlines()
                _await_quiet(base_url)
                arrived, before = log.arrivals(), stored
                stored = stored_digests(folder / "rough")
                seen.update(arrived)
                chain.paid_twice += sum(digest in before for digest in arrived)
                if at_server is None:
                    chain.rough = json.loads(said[-1])
                else:
                    kept = len(stored) - len(before)
                    chain.kills.append(Kill(wait, len(arrived), kept, at_server))
            chain.seconds = time.monotonic() - start
    chain.requests, chain.distinct = seen.total(), len(seen)
    return chain


@contextmanager
def _worker(home: Path, base_url: str, prompts: int) -> Iterator["subprocess.Popen[str]"]:
    words = [str(home), base_url, "--prompts", str(prompts), "--in-flight", str(IN_FLIGHT)]
    command = [sys.executable, "-m", "benchmarks.teacher.kill_worker", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
    if process.returncode not in (0, -9):
        msg = f"expected a worker that ends or is killed, got exit code {process.returncode}"
        raise RuntimeError(msg)


def _kill(process: "subprocess.Popen[str]", log: Log, wait: float) -> int | None:
    """Kill a worker so long after its first request.

    Returns:
        Requests that the server had not answered at that moment; null where the worker ended before.
    """
    ...


def stored_digests(home: Path) -> set[str]:
    """SHA-256 of the bodies whose replies are in the journal."""
    with closing(sqlite3.connect(f"file:{home / journal.FILE}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT request FROM replies WHERE status = 200").fetchall()
    return {hashlib.sha256(text.encode()).hexdigest() for (text,) in rows}
