"""Lexical deduplication beside other tools: CPU, wall time, memory, recall and precision.

    python -m benchmarks.dedup.compare --labels ../shared/data
    python -m benchmarks.dedup.compare --sizes 5000 --repeats 1 --tools "rensa R,gaoya" --draft

Every contender starts from the same Parquet file and ends with one of the kept rows, in a process
and an environment of its own, one after another, in rounds. Stores every measurement in
`compare.json`, rewrites its section of RESULTS.md and prints that section; with `--draft` it only
prints. Progress goes to stderr.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dedup.compare_tables import describe
from benchmarks.dedup.contenders import BASELINE, CONTENDERS, Run, install, running, say, warm_up
from benchmarks.dedup.data import ALPACA, SIZES, make
from benchmarks.dedup.results import machine, write_section
from benchmarks.dedup.truth import judge, true_pairs

JSON = Path(__file__).with_suffix(".json")
THRESHOLD = 0.7
EQUAL, DEFAULTS = "equal", "defaults"
SETTINGS: dict[str, dict[str, float]] = {
    EQUAL: {"threshold": THRESHOLD, "bands": 16, "rows": 8, "ngram": 5, "num_perm": 128},
    DEFAULTS: {"threshold": THRESHOLD},
}
MOST_JUDGED_ROWS = 200_000  # the exact join of more takes too long
MOST_DEFAULT_ROWS = 200_000  # bands matter little to how the tools grow
ONCE_SECONDS = 60.0
DEFAULT_SIZES = "50000,200000,1000000"


class Cell(NamedTuple):
    """One contender on one input under one setting."""

    setting: str
    name: str  # of the input
    rows: int
    contender: str


class Comparison:
    """What was measured so far; stored after each run.

    Attributes:
        record: the JSON file: `machine`, `options`, `runs`, `verdicts`, `not_run`.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        options = {key: str(value) for key, value in vars(arguments).items()}
        self.record: dict[str, Any] = {"machine": machine(), "options": options}
        self.record |= {"settings": SETTINGS, "runs": [], "verdicts": [], "not_run": []}

    def measure(self) -> None:
        """Run all contenders on all inputs."""
        for setting in self.arguments.settings:
            for name, rows in inputs(self.arguments.sizes):
                if setting == DEFAULTS and rows > MOST_DEFAULT_ROWS:
                    continue
                cells = [Cell(setting, name, rows, tool) for tool in self.arguments.tools]
                self._measure_input([cell for cell in cells if self._is_wanted(cell)])

    def _is_wanted(self, cell: Cell) -> bool:
        estimate = self.estimate_seconds(cell)
        if estimate is None or estimate <= 60 * self.arguments.limit_minutes:
            return True
        say(f"{cell}: not run, {estimate / 60:.0f} minutes estimated")
        missed = {**cell._asdict(), "estimated_seconds": round(estimate)}
        self.record["not_run"].append(missed)
        return False

    def estimate_seconds(self, cell: Cell) -> float | None:
        """Scale the wall time of the largest smaller input; None where there is no such run."""
        earlier = [
            run
            for run in self.record["runs"]
            if (run["setting"], run["contender"]) == (cell.setting, cell.contender)
            and run["input"] != ALPACA
            and "error" not in run
            and run["rows"] < cell.rows
        ]
        if not earlier:
            return None
        largest = max(run["rows"] for run in earlier)
        walls = [run["wall_s"] for run in earlier if run["rows"] == largest]
        return statistics.median(walls) * cell.rows / largest

    def _measure_input(self, cells: list[Cell]) -> None:
        for number, cell in schedule(cells, self.arguments.repeats):
            if number and not self._is_worth_repeating(cell):
                continue
            self._measure_once(cell, number)
            if not self.arguments.draft:
                JSON.write_text(json.dumps(self.record, indent=1) + "\n", encoding="utf-8")

    def _is_worth_repeating(self, cell: Cell) -> bool:
        """Say whether the first round ended well and quickly."""
        place = {"setting": cell.setting, "input": cell.name, "contender": cell.contender}
        run = next(run for run in self.record["runs"] if place.items() <= run.items())
        return "error" not in run and run["wall_s"] <= ONCE_SECONDS

    def _measure_once(self, cell: Cell, number: int) -> None:
        source = make(cell.name, self.arguments.labels)
        options = SETTINGS[cell.setting]
        limit = 3 * 60 * self.arguments.limit_minutes
        with running(cell.contender, source, options, limit_seconds=limit) as (figures, kept):
            run = {"setting": cell.setting, "input": cell.name, "round": number, **figures}
            self.record["runs"].append(run)
            say(_progress(run))
            # Later rounds must keep as many rows; `describe` checks that.
            if number == 0 and "error" not in run and cell.rows <= MOST_JUDGED_ROWS:
                self._judge(cell, run, source, kept)

    def _judge(self, cell: Cell, run: Run, source: Path, kept: Path) -> None:
        words = CONTENDERS[cell.contender].words
        pairs = true_pairs(source, words=words, ngram=run["ngram"], threshold=THRESHOLD)
        verdict = judge(source, kept, pairs)._asdict()
        place = {"setting": cell.setting, "input": cell.name, "contender": cell.contender}
        self.record["verdicts"].append({**place, "words": words, **verdict})
        say(f"  {verdict}")


def inputs(sizes: list[int]) -> Iterator[tuple[str, int]]:
    """Give name and rows of every input, the smallest first and real text last."""
    for name, rows in sorted(SIZES.items(), key=lambda item: item[1]):
        if rows in sizes:
            yield name, rows
    if SIZES["syn50k"] in sizes:
        yield ALPACA, 52_002


def schedule(cells: list[Cell], repeats: int) -> Iterator[tuple[int, Cell]]:
    """Order the runs: all contenders in each round, so that a noisy minute hits all of them.

    Each round starts with another one, so that none leads always.
    """
    for number in range(repeats):
        shift = number % max(1, len(cells))
        for cell in cells[shift:] + cells[:shift]:
            yield number, cell


def _progress(run: Run) -> str:
    head = f"{run['setting']}, {run['input']}, round {run['round'] + 1}, {run['contender']}"
    if "error" in run:
        return f"{head}: failed, exit code {run['exit_code']}\n{run['error']}"
    return f"{head}: kept {run['kept']}, {run['cpu_s']} s CPU, {run['wall_s']} s"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sizes", default=DEFAULT_SIZES, help=f"of {sorted(SIZES.values())}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tools", default=",".join(CONTENDERS), help="default: all")
    parser.add_argument("--settings", default=f"{EQUAL},{DEFAULTS}")
    parser.add_argument(
        "--limit-minutes", type=float, default=8, help="longer runs, by estimate, are not made"
    )
    parser.add_argument("--draft", action="store_true", help="print only, store nothing")
    arguments = parser.parse_args()
    arguments.tools = arguments.tools.split(",")
    arguments.settings = arguments.settings.split(",")
    arguments.sizes = [int(size) for size in arguments.sizes.split(",")]
    unknown: list[object] = list(set(arguments.sizes) - set(SIZES.values()))
    unknown += set(arguments.tools) - set(CONTENDERS)
    unknown += set(arguments.settings) - set(SETTINGS)
    if unknown:
        parser.error(f"expected sizes, tools and settings that there are, got {unknown}")
    return arguments


def main() -> int:
    arguments = _parse()
    for tool in arguments.tools:
        install(CONTENDERS[tool].environment)
    comparison = Comparison(arguments)
    if any(CONTENDERS[tool].module == CONTENDERS[BASELINE].module for tool in arguments.tools):
        for setting in arguments.settings:
            warm_up(make("syn50k", arguments.labels), SETTINGS[setting])
    comparison.measure()
    section = describe(comparison.record)
    if not arguments.draft:
        write_section("compare", section)
    print(section)
    return int(any("error" in run for run in comparison.record["runs"]))


if __name__ == "__main__":
    sys.exit(main())
