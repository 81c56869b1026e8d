"""What every contender shares: arguments, prompts, and the line of figures it prints.

    python -m benchmarks.teacher.peers.bare_aiohttp BASE_URL --requests 2000 --in-flight 100

Standard library only: it runs in the environment of each contender.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import NamedTuple

from benchmarks.isolated import cpu_seconds

MODEL = "loopback"
API_KEY = "unused"
REPLY_PREFIX = "Reply "


class Task(NamedTuple):
    """What a contender is asked to do."""

    base_url: str
    requests: int
    in_flight: int

    @property
    def prompts(self) -> list[str]:
        """One user message for each request, all different."""
        return [f"Write one sentence about the number {place}." for place in range(self.requests)]


def run(name: str, distribution: str, work: Callable[[Task], Iterable[object]]) -> None:
    """Do the work once and print its figures as one JSON line.

    Args:
        name: of the contender.
        distribution: the installed package whose version is printed.
        work: sends one request for each prompt and returns the replies.
    """
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("base_url")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--in-flight", type=int, default=100)
    arguments = parser.parse_args()
    task = Task(arguments.base_url, arguments.requests, arguments.in_flight)

    start, cpu = time.perf_counter(), cpu_seconds()
    replies = list(work(task))
    seconds, spent = time.perf_counter() - start, cpu_seconds() - cpu
    # A reply given to two rows counts once: each prompt has its own.
    ok = {reply for reply in replies if isinstance(reply, str) and reply.startswith(REPLY_PREFIX)}
    figures = {
        "name": name,
        "version": version(distribution),
        "rows_ok": len(ok),
        "work_seconds": round(seconds, 4),
        "work_cpu_seconds": round(spent, 4),
        "cpu_seconds": round(cpu_seconds(), 4),
        "peak_rss_mb": round(_peak_rss_mb(), 1),
    }
    print(f"\n{json.dumps(figures)}", flush=True)


def _peak_rss_mb() -> float:
    """Peak of the largest process of the tree; Linux counts in KiB."""
    return (
        max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        / 1024
    )
