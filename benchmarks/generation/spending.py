"""Compare a fixed schedule with one that follows what pays: tokens per accepted row.

    python -m benchmarks.generation.spending simulate
    python -m benchmarks.generation.spending collect --kind verifiable --jobs 360 --out pool.jsonl
    python -m benchmarks.generation.spending replay --pool pool.jsonl
    python -m benchmarks.generation.spending live --runs 3

`simulate` plans rounds for arms whose yields are known. `collect` runs jobs of every arm once with
the embedded teacher, and `replay` lets both schedules draw from them, many times in another order:
each draw is a real job with the tokens it took and the rows that passed. `live` runs the recipe
for verifiable tasks from the command line with the embedded teacher, with both schedules for each
seed; some minutes a run on two cores. All but `collect` write a section of
`benchmarks/generation/SPENDING.md`.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from flows.generate.costs import Cost
from flows.generate.schedule import Schedule
from quality.intervals import Interval, mean
from schemas.frames import ROWS
from schemas.recipe import SelfInstructOptions, SpendingOptions

RESULTS = Path(__file__).with_name("SPENDING.md")
TARGET = 60
SEEDS = 100


@dataclass(frozen=True)
class Outcome:
    """A job: what it took, and the tasks that passed."""

    tokens: int
    tasks: tuple[str, ...]


Draw = Callable[[str, random.Random], Outcome]


def run_once(arms: tuple[str, ...], draw: Draw, seed: int, *, adapt: bool) -> float:
    """Tokens per accepted row until the target is reached, or forty rounds have gone by."""
    rng = random.Random(seed)
    method: Any = SimpleNamespace(
        tasks_per_job=1, arms=arms, kit=SimpleNamespace(seed=seed, name="s")
    )
    options = SelfInstructOptions(kind="self_instruct", target=TARGET)
    schedule = Schedule(method, options, SpendingOptions(adapt=True, explore=0.2 if adapt else 1.0))
    plan: list[Any] = []
    rows: dict[str, dict[str, Any]] = {}
    spent: list[dict[str, Any]] = []
    while len(rows) < TARGET and len(plan) < 40:
        plan.append(schedule.next_round(plan))
        costs: dict[str, Cost] = {}
        for arm, number in plan[-1]:
            for _ in range(number):
                done = draw(arm, rng)
                costs.setdefault(arm, Cost()).add(Cost(1, 1, done.tokens, 0, 0.0))
                for task in done.tasks:
                    rows.setdefault(task, {"id": task, "instruction": task, "arm": arm})
        spent.append({arm: asdict(cost) for arm, cost in costs.items()})
        frame = pl.DataFrame([{"input": "", **row} for row in rows.values()], schema=dict(ROWS))
        schedule.note(frame, spent)
    tokens = sum(cost["prompt_tokens"] for arms_ in spent for cost in arms_.values())
    return tokens / max(1, len(rows))


def simulations() -> Iterator[tuple[str, tuple[float, ...], tuple[int, ...]]]:
    """Name, yields and tokens per job of twelve arms."""
    same = (100,) * 12
    yield "two good arms, ten poor", (0.6, 0.5, *[0.05] * 10), same
    yield "yields from 0.02 to 0.50", tuple(np.linspace(0.02, 0.5, 12)), same
    yield "all alike", (0.2,) * 12, same
    yield "all alike, at 50 to 600 tokens", (0.2,) * 12, tuple(range(50, 650, 50))
    yield "half of them dead", (0.3,) * 6 + (0.0,) * 6, same


def simulate() -> list[list[str]]:
    lines = []
    for name, yields, tokens in simulations():
        arms = tuple(f"{n:02}" for n in range(len(yields)))

        def draw(
            arm: str, rng: random.Random, yields: Any = yields, tokens: Any = tokens
        ) -> Outcome:
            won = rng.random() < yields[int(arm)]
            task = " ".join(str(rng.random()) for _ in range(4))
            return Outcome(tokens[int(arm)], (task,) if won else ())

        best = min(cost / rate for cost, rate in zip(tokens, yields, strict=True) if rate)
        lines.append([name, f"{best:.0f}", *compare(arms, draw)])
    return lines


def compare(arms: tuple[str, ...], draw: Draw) -> list[str]:
    """Both schedules over all seeds, and the ratio of each pair."""
    fixed = np.array([run_once(arms, draw, seed, adapt=False) for seed in range(SEEDS)])
    moved = np.array([run_once(arms, draw, seed, adapt=True) for seed in range(SEEDS)])
    return [show(mean(fixed), 0), show(mean(moved), 0), show(mean(moved / fixed), 2)]


def show(found: Interval, places: int) -> str:
    value, low, high = (round(float(x or 0), places) for x in found[:3])
    return f"{value:.{places}f} ({low:.{places}f} to {high:.{places}f})"


def read_pool(path: Path) -> dict[str, list[Outcome]]:
    pool: dict[str, list[Outcome]] = {}
    for line in path.read_text().splitlines():
        job = json.loads(line)
        pool.setdefault(job["arm"], []).append(Outcome(job["tokens"], tuple(job["tasks"])))
    return pool


def replay(path: Path) -> tuple[list[str], list[list[str]]]:
    pool = read_pool(path)

    def draw(arm: str, rng: random.Random) -> Outcome:
        done = rng.choice(pool[arm])
        # Drawn again, a job stands for another one of its arm: its tasks are other tasks.
        return Outcome(done.tokens, tuple(f"{task} {rng.random()}" for task in done.tasks))

    names = tuple(sorted(pool))
    arms = [
        [arm, str(len(pool[arm])), str(sum(len(job.tasks) for job in pool[arm])),
         f"{sum(job.tokens for job in pool[arm]) / len(pool[arm]):.0f}"]
        for arm in names
    ]  # fmt: skip
    return compare(names, draw), arms


def live(runs: int, target: int, home: Path) -> Iterator[list[str]]:
    """Rows, requests and tokens of real runs: a line a seed and schedule, then the ratio."""
    for seed in range(runs):
        paid = [run_recipe(home, seed, target, adapt=adapt) for adapt in (False, True)]
        for name, found in zip(("fixed", "adapted"), paid, strict=True):
            tokens = f"{found['tokens']:.0f}"
            yield [str(seed), name, str(found["rows"]), f"{found['requests']:.1f}", tokens, ""]
        yield [
            str(seed),
            "adapted / fixed",
            "",
            "",
            "",
            f"{paid[1]['tokens'] / paid[0]['tokens']:.2f}",
        ]


def run_recipe(home: Path, seed: int, target: int, *, adapt: bool) -> dict[str, Any]:
    """What an accepted row cost; replies of an earlier run count as if they were asked anew."""
    settings = {
        "seed": seed,
        "spending.adapt": str(adapt).lower(),
        "generators.0.target": target,
        "generators.0.families": "[arithmetic, format]",
    }
    command = [sys.executable, "-m", "flows", "run", "recipes/verifiable.yaml", "--json"]
    command += ["--home", str(home), "--out", str(home / "out")]
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    print(seed, adapt, summary["per_accepted"], flush=True)
    found: dict[str, Any] = summary["per_accepted"]
    return found


async def collect(kind: str, number: int, out: Path, home: Path) -> None:
    """Run jobs of all arms in turn with the embedded teacher."""
    from flows.generate.engine import run_jobs
    from flows.generate.stage import _make_gates, make_method
    from flows.session import RunSpec, Session
    from schemas.recipe import Recipe

    recipe = Recipe.model_validate({"name": "pool", "generators": [{"kind": kind}]})
    session = Session(RunSpec("pool", str(home), "", "", recipe.model_dump_json(), ""))
    method = make_method(session, recipe.generators[0])
    arms = [method.arms[place % len(method.arms)] for place in range(number)]
    tokens = [0] * number

    def tell(place: int, reply: Any) -> None:
        tokens[place] += reply.prompt_tokens + reply.completion_tokens

    quiet: Any = SimpleNamespace(expect=lambda _: None, advance=lambda: None)
    with out.open("w") as file:
        async with session.panel.opened():
            jobs = (method.job(place, arm) for place, arm in enumerate(arms))
            made = run_jobs(
                session.panel, jobs, gates=_make_gates(method), progress=quiet, tell=tell
            )
            place = 0
            async for drafts in made:
                tasks = [draft.instruction for draft in drafts if draft.rejection is None]
                line = {"arm": arms[place], "tokens": tokens[place], "tasks": tasks}
                file.write(json.dumps(line) + "\n")
                file.flush()
                place += 1
    session.close()


def table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def write(section: str, text: str) -> None:
    """Replace one section of the results."""
    before = RESULTS.read_text() if RESULTS.exists() else "# A schedule that follows what pays\n"
    parts = [part for part in before.split("\n## ") if not part.startswith(section)]
    RESULTS.write_text("\n## ".join([parts[0], *parts[1:], f"{section}\n\n{text}\n"]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("simulate", "collect", "replay", "live"))
    parser.add_argument("--kind", default="verifiable")
    parser.add_argument("--jobs", type=int, default=360)
    parser.add_argument("--out", type=Path, default=Path("pool.jsonl"))
    parser.add_argument("--pool", type=Path, default=Path("pool.jsonl"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--target", type=int, default=16)
    parser.add_argument("--home", type=Path, default=Path(".feingold"))
    given = parser.parse_args()
    columns = ["fixed", "adapted", "adapted / fixed"]
    if given.what == "collect":
        asyncio.run(collect(given.kind, given.jobs, given.out, given.home))
    elif given.what == "live":
        lines = list(live(given.runs, given.target, given.home))
        header = ["seed", "schedule", "rows", "requests a row", "tokens a row", "ratio"]
        note = (
            f"`recipes/verifiable.yaml` without programs until {given.target} rows, the embedded "
            "teacher, per accepted row; replies of an earlier run count as new."
        )
        write("Live runs", f"{note}\n\n{table(header, lines)}")
    elif given.what == "simulate":
        text = table(["arms", "best arm alone", *columns], simulate())
        note = (
            f"Tokens per accepted row until {TARGET} rows, {SEEDS} seeds, 95 % bootstrap intervals;"
            " twelve arms with known yields."
        )
        write("Simulated arms", f"{note}\n\n{text}")
    else:
        row, arms = replay(given.pool)
        found = f"{table(columns, [row])}\n\n{table(['arm', 'jobs', 'rows', 'tokens a job'], arms)}"
        note = (
            f"{sum(int(arm[1]) for arm in arms)} jobs of the embedded teacher, drawn with "
            f"replacement for each of {SEEDS} seeds; tokens per accepted row until {TARGET} rows. "
            "The intervals are those of the draws: how few jobs an arm has is not in them."
        )
        write(f"Replayed jobs: {given.kind}", f"{note}\n\n{found}")


if __name__ == "__main__":
    main()
