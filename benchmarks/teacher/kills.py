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
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.teacher.engine import ROOT, Table, heading, server_stats, serving
from flows import journal

LATENCY_SECONDS = 0.02
IN_FLIGHT = 16
# The engine's own work beside the latency, on a machine that does other things, too.
SECONDS_PER_PROMPT = 1.3 * LATENCY_SECONDS / IN_FLIGHT
PATIENCE_SECONDS = 600.0  # a worker that is not to be killed ends long before


@dataclass
class Kill:
    """One kill.

    Attributes:
        after_seconds: from the first request of that process.
        arrived: requests of that process.
        stored: replies that it had committed.
        at_server: requests that the server had not answered at that moment.
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
        asked: how often the chain asked each question.
        paid_twice: requests whose reply was in the journal before their process started.
        seconds: that the chain took.
    """

    prompts: int
    kills: list[Kill] = field(default_factory=list)
    calm: dict[str, Any] = field(default_factory=dict)
    rough: dict[str, Any] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    paid_twice: int = 0
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        """Requests of the chain, all billed."""
        return self.asked.total()

    @property
    def distinct(self) -> int:
        """Questions among them."""
        return len(self.asked)

    def broken(self, kills: int) -> list[str]:
        """The claims that do not hold."""
        lost = [kill.lost for kill in self.kills]
        again, most = self.requests - self.distinct, max(lost, default=0)
        claims = {
            f"{len(self.kills)} kills, {kills} wanted": len(self.kills) == kills,
            f"{self.distinct} questions, {self.prompts} prompts": self.distinct == self.prompts,
            f"{again} billed twice, {sum(lost)} in flight at the kills": again <= sum(lost),
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
        self._read = 0

    def has_more(self) -> bool:
        """Whether something has come since the last call of `take`."""
        return self._path.stat().st_size > self._read

    def take(self) -> list[dict[str, Any]]:
        """The notes since the last call."""
        with self._path.open(encoding="utf-8") as handle:
            handle.seek(self._read)
            notes = [json.loads(line) for line in handle.readlines()]
            self._read = handle.tell()
        return notes


@dataclass
class Scene:
    """Where a chain takes place: a folder, a server and its log."""

    folder: Path
    base_url: str
    log: Log
    prompts: int

    @contextmanager
    def worker(self, home: str) -> Iterator["subprocess.Popen[str]"]:
        """A worker that asks for everything, in a home of that name."""
        words = [str(self.folder / home), self.base_url]
        words += ["--prompts", str(self.prompts), "--in-flight", str(IN_FLIGHT)]
        command = [sys.executable, "-m", "benchmarks.teacher.kill_worker", *words]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()
        if process.returncode not in (0, -signal.SIGKILL):
            msg = f"expected a worker that ends or is killed, got exit code {process.returncode}"
            raise RuntimeError(msg)

    def calm(self) -> dict[str, Any]:
        """What an undisturbed worker says at its end."""
        with self.worker("calm") as process:
            said = process.communicate()[0]
        self.quiet()
        self.log.take()
        return _last_line(said)

    def stored(self) -> set[str]:
        """SHA-256 of the bodies whose replies are in the journal of the chain."""
        path = self.folder / "rough" / journal.FILE
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT request FROM replies WHERE status = 200").fetchall()
        return {hashlib.sha256(text.encode()).hexdigest() for (text,) in rows}

    def quiet(self) -> None:
        """Wait until the server is done with what a killed process has left."""
        time.sleep(2 * LATENCY_SECONDS)
        while server_stats(self.base_url)["in_flight"]:
            time.sleep(LATENCY_SECONDS)


def run_chain(*, kills: int, prompts: int, seed: int) -> Chain:
    """Run once undisturbed, then kill again and again until a worker ends."""
    rng, chain = random.Random(seed), Chain(prompts)
    with tempfile.TemporaryDirectory(prefix="feingold-kills-") as name:
        path = Path(name, "log.jsonl")
        with serving("--latency", LATENCY_SECONDS, "--log", path) as base_url:
            scene = Scene(Path(name), base_url, Log(path), prompts)
            chain.calm = scene.calm()
            stored: set[str] = set()
            start = time.monotonic()
            while not chain.rough:
                to_come = kills - len(chain.kills)
                share = (prompts - len(stored)) * SECONDS_PER_PROMPT / (to_come + 1)
                wait = rng.uniform(0, 2 * share) if to_come else PATIENCE_SECONDS
                stored = _link(chain, scene, wait, stored)
            chain.seconds = time.monotonic() - start
    return chain


def _link(chain: Chain, scene: Scene, wait: float, stored: set[str]) -> set[str]:
    """Start one worker and kill it so long after its first request.

    Args:
        chain: what comes of it is noted there.
        scene: where.
        wait: in seconds.
        stored: what the journal held before.

    Returns:
        What it holds now.
    """
    with scene.worker("rough") as process:
        while not scene.log.has_more() and process.poll() is None:
            time.sleep(0.0005)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
        killed_at = time.monotonic()
        process.kill()
        said = process.communicate()[0]
    scene.quiet()
    notes, now = scene.log.take(), scene.stored()
    arrived = [note["sha256"] for note in notes if "sha256" in note]
    chain.asked.update(arrived)
    chain.paid_twice += sum(digest in stored for digest in arrived)
    if process.returncode == 0:
        chain.rough = _last_line(said)
    else:
        answered = sum("answered" in note and note["at"] <= killed_at for note in notes)
        kill = Kill(wait, len(arrived), len(now) - len(stored), len(arrived) - answered)
        chain.kills.append(kill)
    return now


def _last_line(said: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def describe(chain: Chain, wanted: int) -> Table:
    """The Markdown section."""
    again, lost = chain.requests - chain.distinct, [kill.lost for kill in chain.kills]
    at_server = [min(kill.at_server, IN_FLIGHT) for kill in chain.kills]
    after = [kill.after_seconds for kill in chain.kills] or [0.0]
    text = f"""{heading("Kills")}

{chain.prompts:,} prompts, {IN_FLIGHT} in flight, {LATENCY_SECONDS * 1000:g} ms until an answer; \
{len(chain.kills)} times `kill -9`, {min(after) * 1000:.0f} to {max(after) * 1000:.0f} ms (median \
{statistics.median(after) * 1000:.0f}) after the first request of a process. The chain took \
{chain.seconds:.0f} s, most of it the start of {len(chain.kills) + 1} processes.

| | |
|---|---|
| requests, undisturbed | {chain.calm["sent"]:,} |
| requests of the chain, all billed | {chain.requests:,} |
| distinct questions among them | {chain.distinct:,} |
| billed twice | {again:,} |
| in flight at the kills: arrived, reply not in the journal | {sum(lost):,} (at most \
{max(lost, default=0)} at one kill) |
| of these not yet answered by the server | {sum(at_server):,} |
| sent although the reply was in the journal | {chain.paid_twice} |
| content of the undisturbed run | {chain.calm["sha256"][:16]} |
| content of the last process of the chain | {chain.rough["sha256"][:16]} |

The whole flow, Prefect and files included, is killed ten times in a chain by \
`tests/flows/test_kill.py` (about ten seconds a start): the same bound on what is asked again, the \
same content hash, version, counts and rows, and no unfinished version left. It also kills the \
stages that ask nobody, while they write."""
    return Table(text, chain.broken(wanted))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--prompts", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    chain = run_chain(kills=arguments.kills, prompts=arguments.prompts, seed=arguments.seed)
    return describe(chain, arguments.kills).report()


if __name__ == "__main__":
    sys.exit(main())
