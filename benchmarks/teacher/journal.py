"""What the journal costs at 100,000 replies: memory, time, bytes, and reading it all again.

    python -m benchmarks.teacher.journal
    python -m benchmarks.teacher.journal --requests 5000

Asking, replaying and looking up run one after another, each in a process of its own and in the same
home, against the loopback server. Every reply is on the disk before it counts; a baseline commits
one reply at a time with the same guarantee.
"""

import argparse
import asyncio
import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.teacher.engine import (
    Table,
    heading,
    loopback,
    open_panel,
    question,
    server_stats,
    serving,
)
from flows import journal
from flows.journal import Journal, JournalEntry
from flows.teachers.panel import Panel

STEP = 5_000  # replies between two looks at the memory
COMMITS = 2_000  # of the baseline: 100,000 take minutes where a disk is slow
LOOKUPS = 5_000
TOGETHER = 200  # keys that the engine looks up at once
# Memory that may be kept of a reply: its key, and that it was counted.
MOST_KEPT_BYTES = 500


@dataclass(frozen=True)
class Pass:
    """All questions asked once, in a process of its own."""

    seconds: float
    cpu_seconds: float
    answered: int
    sent: int
    rss_mb: Sequence[float]  # at the start, then after each step

    @property
    def kept_bytes(self) -> float:
        """Memory per reply, from the second step on: the first ones fill pools and caches."""
        steps = len(self.rss_mb) - 3
        return (self.rss_mb[-1] - self.rss_mb[2]) * 2**20 / (steps * STEP) if steps > 0 else 0.0


class Size(NamedTuple):
    """The journal file, in bytes per reply."""

    replies: int
    file: float
    request: float
    body: float


class Lookups(NamedTuple):
    """Microseconds per key."""

    single: float
    together: float


class Commits(NamedTuple):
    """Replies stored in a second, each on the disk before it counts."""

    single: float
    together: float


class Measured(NamedTuple):
    """All figures."""

    asking: Pass
    replaying: Pass
    size: Size
    lookups: Lookups
    commits: Commits
    requests: int
    billed: int


def ask(home: Path, base_url: str, number: int, in_flight: int) -> Pass:
    """Ask `number` questions, whether or not the journal has them."""
    import httpx2  # noqa: F401 - what the engine imports at its first request is no cost of a reply
    import openai  # noqa: F401 - likewise

    teacher = loopback(base_url, max_in_flight=in_flight)
    with open_panel(home, teacher) as panel:
        start, cpu = time.perf_counter(), time.process_time()
        answered, rss_mb = asyncio.run(_count(panel, number))
        seconds, spent = time.perf_counter() - start, time.process_time() - cpu
        return Pass(seconds, spent, answered, panel.requests.sent, rss_mb)


async def _count(panel: Panel, number: int) -> tuple[int, list[float]]:
    """Keep no reply; look at the memory between them."""
    answered = place = 0
    rss_mb = [_rss_mb()]
    async with panel.opened():
        async for reply in panel.ask(question(place) for place in range(number)):
            answered += reply.error is None
            place += 1
            if place % STEP == 0:
                rss_mb.append(_rss_mb())
    return answered, rss_mb


def _rss_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the peak, in bytes there
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def look_up(home: Path) -> Lookups:
    """Find random keys, one by one and as the engine does."""
    with Journal(home) as opened:
        keys = [key for (key,) in opened.read("SELECT key FROM replies ORDER BY key")]
        random.Random(0).shuffle(keys)
        single, many = keys[:LOOKUPS], keys[-LOOKUPS:]
        start = time.perf_counter()
        found = sum(opened.get(key) is not None for key in single)
        between = time.perf_counter()
        for part in _parts(many):
            found += len(opened.find(part))
        end = time.perf_counter()
    if found != len(single) + len(many):
        msg = f"expected {len(single) + len(many)} entries, got {found}"
        raise RuntimeError(msg)
    return Lookups((between - start) / len(single) * 1e6, (end - between) / len(many) * 1e6)


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), TOGETHER):
        yield keys[start : start + TOGETHER]


def commit(home: Path, folder: Path) -> Commits:
    """Copy replies into other journals: with a commit for each, and as the engine does."""
    with Journal(home) as opened:
        keys = [key for (key,) in opened.read("SELECT key FROM replies LIMIT ?", [COMMITS])]
        entries = list(opened.find(keys).values())
    Journal(folder / "single").close()  # makes the tables
    marks = ",".join("?" * 15)
    with closing(sqlite3.connect(folder / "single" / journal.FILE)) as db:
        db.execute("PRAGMA synchronous=FULL")
        start = time.perf_counter()
        for entry in entries:
            with db:
                db.execute(f"INSERT INTO replies VALUES ({marks})", (*astuple(entry), "", 0.0))
        between = time.perf_counter()
    with Journal(folder / "together") as opened:
        asyncio.run(_store(opened, entries))
        end = time.perf_counter()
    return Commits(len(entries) / (between - start), len(entries) / (end - between))


async def _store(opened: Journal, entries: Sequence[JournalEntry]) -> None:
    """As many at once as the engine has in flight by default."""
    for start in range(0, len(entries), 64):
        await asyncio.gather(*(opened.put_soon(entry) for entry in entries[start : start + 64]))


def size_of(home: Path) -> Size:
    """The journal file of a home that nobody uses."""
    path = home / journal.FILE
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT count(*), avg(length(request)), avg(length(body)) FROM replies"
        replies, request, body = db.execute(query).fetchone()
    return Size(replies, path.stat().st_size / replies, request, body)


def measure(requests: int, *, in_flight: int, latency: float, folder: Path) -> Measured:
    """Ask, replay, look up, and commit one by one."""
    home = folder / "home"
    with serving("--latency", latency) as base_url:
        asking = _apart(ask, home, base_url, requests, in_flight)
        asked = server_stats(base_url)
        replaying = _apart(ask, home, base_url, requests, in_flight)
        stats = server_stats(base_url)
    if stats["requests"] != asked["requests"] or stats["distinct"] != requests:
        msg = f"expected {requests} requests, all different, got {stats} after {asked}"
        raise RuntimeError(msg)
    size, lookups = size_of(home), _apart(look_up, home)
    commits = _apart(commit, home, folder)
    return Measured(asking, replaying, size, lookups, commits, requests, int(stats["requests"]))


def _apart(work: Callable[..., Any], *given: object) -> Any:
    """Run a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def describe(found: Measured, arguments: argparse.Namespace) -> Table:
    """The Markdown section."""
    asking, replaying, size, count = found.asking, found.replaying, found.size, found.requests
    text = f"""{heading("Journal")}

{count:,} requests, {arguments.in_flight} in flight, {arguments.latency * 1000:g} ms until an \
answer, each reply on the disk before it counts. File system of {arguments.folder}.

| | asking | replaying |
|---|---|---|
| requests sent | {asking.sent:,} | {replaying.sent:,} |
| wall s | {asking.seconds:.1f} | {replaying.seconds:.1f} |
| replies a second | {count / asking.seconds:,.0f} | {count / replaying.seconds:,.0f} |
| ms CPU a reply | {asking.cpu_seconds / count * 1e3:.3f} | \
{replaying.cpu_seconds / count * 1e3:.3f} |
| RSS MB at the start | {asking.rss_mb[0]:.0f} | {replaying.rss_mb[0]:.0f} |
| RSS MB at the end | {asking.rss_mb[-1]:.0f} | {replaying.rss_mb[-1]:.0f} |
| bytes kept a reply | {asking.kept_bytes:.0f} | {replaying.kept_bytes:.0f} |

- RSS MB while asking, every {STEP:,} replies: {_listed(asking.rss_mb)}.
- RSS MB while replaying: {_listed(replaying.rss_mb)}.
- The file: {size.file:,.0f} bytes a reply, of these {size.request:,.0f} the request and \
{size.body:,.0f} the body.
- Looking up: {found.lookups.single:.1f} µs a key one by one, {found.lookups.together:.1f} µs in \
groups of {TOGETHER}.
- Storing alone, {COMMITS:,} replies (`synchronous=FULL`): {found.commits.together:,.0f} a second \
64 at once, as the engine does; {found.commits.single:,.0f} a second with a commit for each, at \
which {count:,} would wait {count / found.commits.single:,.0f} s for this disk."""
    claims = {
        f"{asking.answered} answered of {count}": asking.answered == count,
        f"{replaying.answered} replayed of {count}": replaying.answered == count,
        f"{size.replies} stored of {count}": size.replies == count,
        f"{asking.sent} sent while asking": asking.sent == found.billed == count,
        f"{replaying.sent} sent while replaying": replaying.sent == 0,
        f"{asking.kept_bytes:.0f} bytes kept a reply": asking.kept_bytes <= MOST_KEPT_BYTES,
        f"{replaying.kept_bytes:.0f} bytes a replay": replaying.kept_bytes <= MOST_KEPT_BYTES,
    }
    return Table(text, [line for line, holds in claims.items() if not holds])


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.005, help="seconds")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="feingold-journal-", dir=arguments.folder) as folder:
        found = measure(
            arguments.requests,
            in_flight=arguments.in_flight,
            latency=arguments.latency,
            folder=Path(folder),
        )
    return describe(found, arguments).report()


if __name__ == "__main__":
    sys.exit(main())
