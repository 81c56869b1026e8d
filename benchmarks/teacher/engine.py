"""The teacher engine by itself, without Prefect: what its benchmarks share."""

import json
import os
import platform
import random
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from benchmarks.teacher.server import MODEL
from flows.claims import Claims
from flows.journal import Journal
from flows.teachers import client
from flows.teachers.panel import Panel
from flows.teachers.resolve import make_panel
from schemas.recipe import BudgetOptions, Recipe, TeacherOptions
from schemas.records import TeacherReply, TeacherRequest

ROOT = Path(__file__).resolve().parents[2]


Requests = Iterable[TeacherRequest] | AsyncIterable[Sequence[TeacherRequest]]


class Table(NamedTuple):
    """A Markdown section: what was measured, and the claims that did not hold."""

    text: str
    broken: Sequence[str] = ()

    def report(self) -> int:
        """Print it; return the exit code."""
        print(self.text)
        print("\n" + ("\n".join(f"- BROKEN: {line}" for line in self.broken) or "Claim holds."))
        return int(bool(self.broken))


def heading(title: str) -> str:
    """The head of a section: title, machine and date."""
    load = os.getloadavg()[0]
    return (
        f"## {title}\n\n{os.cpu_count()} cores ({_processor()}), {platform.system()}, Python "
        f"{platform.python_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load average at the "
        f"end {load:.1f}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


@contextmanager
def serving(*words: object) -> Iterator[str]:
    """Run the loopback teacher as a process of its own; gives its base URL.

    Args:
        words: its command line, see `benchmarks.teacher.server`.
    """
    command = [sys.executable, "-m", "benchmarks.teacher.server", *map(str, words)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def server_stats(base_url: str) -> dict[str, Any]:
    """What the loopback teacher has counted since it started."""
    url = f"{base_url.removesuffix('/v1')}/stats"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@contextmanager
def open_panel(
    home: Path,
    teacher: TeacherOptions,
    *,
    budget: BudgetOptions | None = None,
    offline: bool = False,
) -> Iterator[Panel]:
    """A panel of one teacher with journal and claims in `home`, made as a run makes it."""
    recipe = Recipe(name="bench", teacher=teacher, budget=budget or BudgetOptions())
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(home))
        claims = stack.enter_context(Claims(home))
        yield make_panel(recipe, stack=stack, journal=journal, claims=claims, offline=offline)


def loopback(base_url: str, **more: Any) -> TeacherOptions:
    """The `teacher:` of a recipe that asks the loopback teacher."""
    return TeacherOptions(base_url=base_url, model=MODEL, **more)


def question(number: int, **more: Any) -> TeacherRequest:
    """One user message, another for each number."""
    turns = [{"role": "user", "content": f"Write one sentence about the number {number}."}]
    return TeacherRequest("chat/completions", {"messages": turns, "max_tokens": 64, **more})


async def ask_all(panel: Panel, requests: Requests) -> list[TeacherReply]:
    """Ask everything and keep the replies."""
    async with panel.opened():
        return [reply async for reply in panel.ask(requests)]


@contextmanager
def hurried() -> Iterator[None]:
    """Wait a thousandth between attempts, and read the certificates, unused here, once.

    For properties that do not depend on waiting.
    """
    contexts = ssl.create_default_context()

    def wait(attempt: int, asked_for: float | None) -> float:
        return random.uniform(0, 0.001) * (attempt + 1) + (asked_for or 0) / 1000

    with (
        mock.patch.object(client, "_wait_seconds", wait),
        mock.patch.object(ssl, "create_default_context", return_value=contexts),
    ):
        yield
