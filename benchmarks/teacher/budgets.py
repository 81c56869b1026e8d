"""No budget is ever exceeded at the server, in 1,000 random runs with faults and resumption.

    python -m benchmarks.teacher.budgets
    python -m benchmarks.teacher.budgets --runs 50 --first 300

The server runs in the same process and bills whatever it completes, also what the client never
gets; its bills reach up to what the engine says a request can cost at most. A run that stops at its
budget is started again in the same home, with the same limits or with raised ones. Waits between
attempts are a thousandth of the real ones.
"""

import argparse
import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.teacher.engine import Table, ask_all, heading, hurried, loopback, open_panel
from benchmarks.teacher.server import Loopback, Options, Reply, State
from flows.journal import canonical_body
from flows.teachers.budget import Meter
from flows.teachers.panel import Panel
from schemas.errors import BudgetError, RunError
from schemas.recipe import BudgetOptions, Price
from schemas.records import TeacherRequest

Bill = dict[str, float]  # usd, requests and tokens, as a budget limits them
UNITS = ("usd", "requests", "tokens")
TOLERANCE = 1e-9  # US$: thousands of additions of binary fractions
# What a chat template may add to a conversation, and to each of its turns, in tokens.
TEMPLATE, TURN = 64, 8
WORDS = ("walnut", "Brücke", "北京", "🙂", "a", '"', "\n", "antidisestablishmentarianism")


class Till(State):
    """A server whose bills are random, up to the most that they can be."""

    refused = 0  # requests turned away as too early

    def complete(self, request: dict[str, Any], digest: str) -> Reply:
        reply, turns = super().complete(request, digest), request["messages"]
        size = sum(len(turn["content"].encode()) for turn in turns)
        limit = request.get("max_tokens") or request["max_completion_tokens"]
        prompt = self._some(size + TEMPLATE + TURN * len(turns))
        completion = self._some(limit)
        reply["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        return reply

    def bill(self, reply: Reply, fault: str | None) -> None:
        """Charge, then tell the client all, a part, or nothing of it."""
        super().bill(reply, fault)
        self.refused += fault == "429"
        draw = self.random.random()
        if draw < 0.05:
            del reply["usage"]
        elif draw < 0.15:  # thinking that is only in the sum
            reply["usage"]["completion_tokens"] //= 2

    def _some(self, most: int) -> int:
        return most if self.random.random() < 0.2 else self.random.randint(1, most)

    def owed(self, price: Price) -> Bill:
        """What was billed so far; as requests count all that came."""
        usd = self.prompt_tokens * price.prompt + self.completion_tokens * price.completion
        tokens = self.prompt_tokens + self.completion_tokens
        return {"usd": usd / 1e6, "requests": self.requests, "tokens": tokens}


@dataclass(frozen=True)
class Plan:
    """One random run; the same for the same number.

    Attributes:
        requests: what is asked.
        price: of a million tokens.
        limits: of the first start.
        place: of the limits: `run`, `teacher` or `both`.
        raises: factors by which the limits are raised for each further start after a stop.
        group: requests that are handed in, and looked up, together.
        held_back: requests at the front that the first start does not have yet.
        server: latency and faults.
        teacher: fields of the recipe's teacher.
    """

    number: int
    requests: Sequence[TeacherRequest]
    price: Price
    limits: Bill
    place: str
    raises: Sequence[float]
    group: int
    held_back: int
    server: Options
    teacher: dict[str, Any]

    @classmethod
    def draw(cls, number: int) -> "Plan":
        """Draw a run: limits lie between nothing and more than everything can cost."""
        rng = random.Random(number)
        requests = [_request(rng, place) for place in range(rng.choice([3, 20, 60, 120]))]
        price = Price(prompt=rng.choice([0, 0.1, 3, 20]), completion=rng.choice([0, 0.4, 15, 80]))
        return cls(
            number=number,
            requests=requests,
            price=price,
            limits=_limits(rng, requests, price),
            place=rng.choice(["run", "teacher", "both"]),
            raises=[rng.choice([1.0, rng.uniform(1, 3)]) for _ in range(rng.choice([0, 1, 3]))],
            group=rng.choice([5, 20, 200]),
            held_back=rng.choice([0, 0, 0, len(requests) // 3]),
            server=Options(
                latency=rng.choice([0, 0.001, 0.005]),
                faults=rng.choice([0, rng.uniform(0, 0.4)]),
                seed=number,
                hang=5,
            ),
            teacher={
                "max_in_flight": round(2 ** rng.uniform(0, 6)),
                "max_attempts": rng.randint(1, 4),
                "timeout_seconds": 0.15,
                "token_field": rng.choice([None, None, "max_completion_tokens"]),
            },
        )


def _request(rng: random.Random, place: int) -> TeacherRequest:
    turns = [
        {"role": "user", "content": f"{place} {' '.join(rng.choices(WORDS, k=size))}"}
        for size in rng.choices([1, 10, 100], k=rng.choice([1, 1, 3]))
    ]
    body = {"messages": turns, "max_tokens": round(2 ** rng.uniform(0, 10))}
    return TeacherRequest("chat/completions", body)


def _limits(rng: random.Random, requests: Sequence[TeacherRequest], price: Price) -> Bill:
    """One to three limits, each a random share of what everything can cost."""
    meter = Meter(price)
    worst = [meter.worst(request.body, canonical_body(request.body)) for request in requests]
    units = rng.sample(UNITS, k=rng.choice([1, 1, 2, 3]))
    shares = {unit: rng.choice([0, *(rng.uniform(0, 1.2) for _ in range(9))]) for unit in units}
    return {
        unit: _fitting(unit, share * sum(getattr(spend, unit) for spend in worst))
        for unit, share in shares.items()
    }


def _fitting(unit: str, limit: float) -> float:
    return limit if unit == "usd" else math.floor(limit)


@dataclass
class Start:
    """One start of a run: its limits, what was owed at its end, and how it ended."""

    limits: Bill
    billed: Bill
    refused: int  # requests that the server turned away as too early
    ending: str

    @property
    def unused(self) -> float:
        """Share of the tightest limit that the server did not bill."""
        shares = [1 - self.billed[unit] / limit for unit, limit in self.limits.items() if limit]
        return min(shares, default=0.0)

    def exceeded(self) -> Iterator[str]:
        """The limits that were not kept; a request refused as too early is not billed."""
        for unit, limit in self.limits.items():
            billed = self.billed[unit] - (self.refused if unit == "requests" else 0)
            if billed > limit + TOLERANCE:
                yield f"{unit}: {billed:g} billed, {limit:g} allowed"


@dataclass
class Run:
    """One plan carried out."""

    plan: Plan
    starts: list[Start] = field(default_factory=list)
    seconds: float = 0.0

    def broken(self) -> list[str]:
        """The limits that were not kept, start by start."""
        return [
            f"run {self.plan.number}, start {place + 1}: {line}"
            for place, start in enumerate(self.starts)
            for line in start.exceeded()
        ]


def carry_out(plan: Plan) -> Run:
    """Start a plan, and again with raised limits while it stops at them."""
    run, begun = Run(plan), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="feingold-budgets-") as home:
        asyncio.run(_carry_out(run, Path(home)))
    run.seconds = time.monotonic() - begun
    return run


async def _carry_out(run: Run, home: Path) -> None:
    plan, till = run.plan, Till(run.plan.server)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Loopback(till), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    limits = plan.limits
    for factor in (1.0, *plan.raises):
        limits = {unit: _fitting(unit, limit * factor) for unit, limit in limits.items()}
        given = BudgetOptions.model_validate(limits)
        at_teacher = {"budget": given} if plan.place != "run" else {}
        teacher = loopback(
            f"http://{host}:{port}/v1", price_per_million=plan.price, **at_teacher, **plan.teacher
        )
        budget = None if plan.place == "teacher" else given
        with open_panel(home, teacher, budget=budget) as asked:
            first = 0 if run.starts else plan.held_back
            ending = await _ending(asked, plan.requests[first:], plan.group)
        run.starts.append(Start(limits, till.owed(plan.price), till.refused, ending))
        if ending != "stopped at the budget" and not first:
            break
    server.close()


async def _ending(asked: Panel, requests: Sequence[TeacherRequest], group: int) -> str:
    async def groups() -> AsyncIterator[Sequence[TeacherRequest]]:
        for start in range(0, len(requests), group):
            yield requests[start : start + group]

    try:
        await ask_all(asked, groups())
    except BudgetError:
        return "stopped at the budget"
    except RunError:
        return "teacher counted as down"
    return "everything asked"


def describe(runs: Sequence[Run]) -> Table:
    """The Markdown section."""
    starts = [start for run in runs for start in run.starts]
    endings = Counter(start.ending for start in starts)
    stops = [start for start in starts if start.ending == "stopped at the budget"]
    kinds = Counter(" + ".join(sorted(run.plan.limits)) for run in runs)
    broken = [line for run in runs for line in run.broken()]
    resumed = sum(len(run.starts) - 1 for run in runs)
    text = f"""{heading("Budgets")}

{len(runs):,} random runs, {resumed:,} further starts after a stop, {_seconds(runs)} a run. 1 to \
64 requests in flight, 3 to 120 prompts, up to 40 % faulty replies; limits: {_listed(kinds)}.

| | |
|---|---|
| starts | {len(starts):,} ({_listed(endings)}) |
| requests that the server saw | {sum(run.starts[-1].billed["requests"] for run in runs):,} |
| limits that were exceeded | {len(broken)} |

Left of the tightest limit at a stop, by what the server billed (an attempt whose bill is not \
known counts as the dearest it can be):

| | stops | median | 90 % | most |
|---|---|---|---|---|
{_unused("all", stops, at_least=0)}
{_unused("20 or more requests sent", stops, at_least=20)}
{_unused("100 or more requests sent", stops, at_least=100)}"""
    return Table(text, broken)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def _seconds(runs: Sequence[Run]) -> str:
    seconds = [run.seconds for run in runs]
    return f"median {statistics.median(seconds):.2f} s ({max(seconds):.2f} s at most)"


def _unused(name: str, stops: Sequence[Start], *, at_least: int) -> str:
    shares = sorted(stop.unused for stop in stops if stop.billed["requests"] >= at_least)
    if not shares:
        return f"| {name} | 0 | | | |"
    picks = (statistics.median(shares), shares[int(0.9 * (len(shares) - 1))], shares[-1])
    return f"| {name} | {len(shares):,} | {' | '.join(f'{share:.1%}' for share in picks)} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.runs)
    with hurried():
        runs = [carry_out(Plan.draw(number)) for number in numbers]
    return describe(runs).report()


if __name__ == "__main__":
    sys.exit(main())
