"""Every question ends, and no reply is paid for twice, where three replies in ten are faulty.

    python -m benchmarks.teacher.faults
    python -m benchmarks.teacher.faults --seeds 2 --prompts 100

Each seed has a loopback server of its own, which draws a fault for each request as it arrives and
logs requests and answers. What the engine hands out and has stored is compared with that log.
"""

import argparse
import asyncio
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.teacher.engine import (
    Table,
    ask_all,
    heading,
    loopback,
    open_panel,
    question,
    serving,
)
from benchmarks.teacher.server import FAULTS, REPLY_PREFIX
from flows.journal import Journal
from schemas.records import TeacherReply

# Replies that count, whatever they say: the row is an answer or a reject, and is not asked again.
GOOD = (None, "empty_choices", "null_content")
# What the engine calls what the server did.
KIND_OF = {
    "429": "http_429",
    "500": "http_500",
    "503": "http_503",
    "reset": "connection",
    "html": "unparsable",
    "truncated": "unparsable",
    "hang": "timeout",
}
# What the error of a reject starts with, by the class it is counted under.
REJECTS = {
    "no choices": "the reply has no choices",
    "no text": "the reply has no text",
    "http_500": "HTTP 500",
    "http_503": "HTTP 503",
    "unparsable": "expected a JSON reply",
    "timeout": "no reply within",
}


@dataclass
class Books:
    """One seed: what was drawn, seen and handed out, and what does not add up."""

    seed: int
    seconds: float = 0.0
    sent: int = 0
    answers: int = 0
    drawn: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    paid_twice: int = 0
    broken: list[str] = field(default_factory=list)

    def check(self, line: str, *, holds: bool) -> None:
        """Note a claim that does not hold."""
        if not holds:
            self.broken.append(f"seed {self.seed}: {line}")


@dataclass
class Story:
    """What the server's log says about one question, in the order of time.

    Attributes:
        faults: of its requests.
        resent: requests that came after a good reply was written to a client that held on.
    """

    faults: list[str | None] = field(default_factory=list)
    resent: int = 0
    was_good: bool = False


def read_log(path: Path) -> dict[str, Story]:
    """Sort the server's log by question, a SHA-256 of the body."""
    stories: dict[str, Story] = defaultdict(Story)
    under_way: dict[str, str | None] = {}  # the engine never has two of one question
    for line in path.read_text(encoding="utf-8").splitlines():
        note: dict[str, Any] = json.loads(line)
        if "answered" in note:
            digest = note["answered"]
            # The end of a request that was given up may come while the next one is under way.
            is_good = note["taken"] and under_way.get(digest) in GOOD
            stories[digest].was_good = stories[digest].was_good or is_good
        else:
            story = stories[note["sha256"]]
            story.faults.append(note["fault"])
            story.resent += story.was_good
            under_way[note["sha256"]] = note["fault"]
    return stories


def run_seed(
    seed: int, *, prompts: int, share: float, timeout_seconds: float, in_flight: int
) -> Books:
    """Ask one faulty server everything and balance the books."""
    books = Books(seed)
    requests = [question(number) for number in range(prompts)]
    with tempfile.TemporaryDirectory(prefix="feingold-faults-") as folder:
        home, log = Path(folder, "home"), Path(folder, "log.jsonl")
        flags = ["--latency", 0.005, "--faults", share, "--seed", seed, "--log", log]
        with serving(*flags, "--hang", 30) as base_url:
            teacher = loopback(base_url, timeout_seconds=timeout_seconds, max_in_flight=in_flight)
            with open_panel(home, teacher) as panel:
                digests = [
                    hashlib.sha256(panel.teachers[0].prepare(request).text.encode()).hexdigest()
                    for request in requests
                ]
                start = time.monotonic()
                replies = asyncio.run(ask_all(panel, requests))
                books.seconds = time.monotonic() - start
                books.sent, books.seen = panel.requests.sent, panel.errors
        with Journal(home) as journal:
            losses = {key: loss.requests for key, loss in journal.losses("bench").items()}
        _balance(books, digests, replies, losses, read_log(log))
    return books


def _balance(
    books: Books,
    digests: Sequence[str],
    replies: Sequence[TeacherReply],
    losses: dict[str, int],
    log: dict[str, Story],
) -> None:
    """Compare what came out, what was stored and what the server saw."""
    books.answers = sum(reply.error is None for reply in replies)
    books.rejects = Counter(_reject_class(reply.error) for reply in replies if reply.error)
    named = books.rejects.total()
    ends = books.answers + named
    books.check(
        f"{len(replies)} replies, {len(digests)} prompts", holds=len(replies) == len(digests)
    )
    books.check(f"{ends} ends, {len(digests)} prompts", holds=ends == len(digests))
    books.drawn = Counter(fault for story in log.values() for fault in story.faults if fault)
    arrived = sum(len(story.faults) for story in log.values())
    books.check(f"{books.sent} sent, {arrived} arrived", holds=books.sent == arrived)
    books.check("asked for something else than the prompts", holds=set(log) == set(digests))
    books.paid_twice = sum(story.resent for story in log.values())
    books.check(f"{books.paid_twice} sent again after a good reply", holds=not books.paid_twice)
    for place, (digest, reply) in enumerate(zip(digests, replies, strict=True)):
        story = log[digest]
        is_right = reply.error is not None or reply.text.startswith(f"{REPLY_PREFIX} {digest[:16]}")
        books.check(f"prompt {place} has the answer to another one", holds=is_right)
        # Each request is accounted for: it is in the journal as lost, or the one that is stored.
        accounted = losses.get(reply.key, 0) + reply.is_stored
        books.check(
            f"prompt {place}: {len(story.faults)} requests, {accounted} accounted for",
            holds=len(story.faults) == accounted,
        )


def _reject_class(error: str) -> str:
    found = (name for name, start in REJECTS.items() if error.startswith(start))
    return next(found, "connection")


def describe(runs: Sequence[Books], arguments: argparse.Namespace) -> Table:
    """The Markdown section."""
    prompts = arguments.prompts * len(runs)
    sent, answers = sum(run.sent for run in runs), sum(run.answers for run in runs)
    drawn, seen, rejects = _total(runs, "drawn"), _total(runs, "seen"), _total(runs, "rejects")
    seconds = [run.seconds for run in runs]
    rows = "\n".join(f"| {fault} | {drawn[fault]:,} |" for fault in FAULTS)
    kinds = sorted({*KIND_OF.values(), *rejects})
    by_kind = "\n".join(
        f"| {kind} | {sum(drawn[fault] for fault, name in KIND_OF.items() if name == kind):,} "
        f"| {seen[kind]:,} | {rejects[kind]:,} |"
        for kind in kinds
    )
    text = f"""{heading("Faults")}

{len(runs)} seeds, {arguments.prompts:,} prompts each, {arguments.share:.0%} of replies faulty, \
{arguments.in_flight} in flight at most, timeout {arguments.timeout:g} s (a hang lasts 30 s), real \
back-off.

- {prompts:,} prompts: {answers:,} answers, {rejects.total():,} rejects with a named error, \
{prompts - answers - rejects.total()} without either.
- {sent:,} requests, {sent / prompts:.3f} a prompt; every one is in the server's log and accounted \
for in the journal.
- Sent again after a good reply: {sum(run.paid_twice for run in runs)}.
- Wall time of a seed: median {statistics.median(seconds):.1f} s ({min(seconds):.1f} to \
{max(seconds):.1f}).

| fault | drawn by the server |
|---|---|
{rows}

A timeout beyond those drawn is a reply that a busy machine held up. Replies without choices or \
text are outcomes: their rows are rejects and are not asked again.

| class | drawn | seen by the engine | rejects |
|---|---|---|---|
{by_kind}"""
    return Table(text, [line for run in runs for line in run.broken])


def _total(runs: Sequence[Books], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for run in runs:
        total += getattr(run, name)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--share", type=float, default=0.3, help="of replies that are faulty")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds for one attempt")
    parser.add_argument("--in-flight", type=int, default=32)
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.seeds):
        runs.append(
            run_seed(
                seed,
                prompts=arguments.prompts,
                share=arguments.share,
                timeout_seconds=arguments.timeout,
                in_flight=arguments.in_flight,
            )
        )
        print(f"seed {seed}: {runs[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return describe(runs, arguments).report()


if __name__ == "__main__":
    sys.exit(main())
