"""How feingold's deduplication grows: 50,000 to ten million rows, one worker and two.

    python -m benchmarks.dedup.scale --labels ../shared/data
    python -m benchmarks.dedup.scale --sizes 5000,50000 --repeats 1 --draft

At its defaults, guards off. Stores every measurement in `scale.json`, rewrites its section of
RESULTS.md and prints that section; with `--draft` it only prints.
"""

import argparse
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.dedup.contenders import BASELINE, CONTENDERS, Run, running, say, warm_up
from benchmarks.dedup.data import SIZES, make
from benchmarks.dedup.results import describe_machine, machine, write_section

JSON = Path(__file__).with_suffix(".json")
OPTIONS = {"threshold": 0.7}
DEFAULT_SIZES = "50000,200000,1000000,10000000"
# Longer runs are made once: noise of a few seconds no longer matters.
ONCE_SECONDS = 120.0
LIMIT_SECONDS = 3 * 3600.0
FEINGOLD = [
    name
    for name, contender in CONTENDERS.items()
    if contender.module == CONTENDERS[BASELINE].module
]


def measure(arguments: argparse.Namespace, record: dict[str, Any]) -> None:
    """Run every number of workers on every size, and store each run as it ends."""
    runs: list[Run] = record["runs"]
    for name, rows in sorted(SIZES.items(), key=lambda item: item[1]):
        if rows not in arguments.sizes:
            continue
        source = make(name, arguments.labels)
        for number in range(arguments.repeats):
            for contender in FEINGOLD:
                walls = [run["wall_s"] for run in _of(runs, contender, rows)]
                if number and (not walls or walls[0] > ONCE_SECONDS):
                    continue
                limit = LIMIT_SECONDS
                with running(contender, source, OPTIONS, limit_seconds=limit) as (figures, _):
                    runs.append({"input": name, "round": number, **figures})
                say(json.dumps(runs[-1]))
                if not arguments.draft:
                    JSON.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def describe(record: dict[str, Any]) -> str:
    """Make the section."""
    runs: list[Run] = record["runs"]
    lines = []
    smaller: dict[str, tuple[int, float]] = {}
    for rows in sorted({run["rows"] for run in runs if "rows" in run}):
        for contender in FEINGOLD:
            here = _of(runs, contender, rows)
            if not here:
                continue
            cpu = _median(here, "cpu_s")
            before = smaller.get(contender)
            growth = f"{_exponent(before, (rows, cpu)):.2f}" if before else "–"
            smaller[contender] = (rows, cpu)
            lines.append(_line(here, growth, _speedup(runs, contender, rows)))
    return f"""## How feingold grows

{describe_machine(record["machine"])} Written by `python -m benchmarks.dedup.scale`.

Inputs and columns as in the comparison. Threshold {OPTIONS["threshold"]}, all else by default,
guards off. growth: exponent of the CPU time against the next smaller input, 1 being linear.
speed-up: wall time of one worker by that of these. Runs of over {ONCE_SECONDS / 60:g} minutes are
made once.

| rows | workers | CPU s | wall s | MB | rows per wall s | kept | growth | speed-up |
|---|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}"""


def _line(runs: list[Run], growth: str, speedup: str) -> str:
    wall, own = _median(runs, "wall_s"), f"{_median(runs, 'peak_rss_mb'):.0f}"
    child = _median(runs, "peak_child_rss_mb")
    kept = sorted({run["kept"] for run in runs})
    cells = [
        f"{runs[0]['rows']:,}",
        str(runs[0]["workers"]),
        f"{_median(runs, 'cpu_s'):.2f}",
        f"{wall:.2f}",
        f"{own} + {child:.0f}" if child else own,
        f"{runs[0]['rows'] / wall:,.0f}",
        "–".join(f"{count:,}" for count in dict.fromkeys((kept[0], kept[-1]))),
        growth,
        speedup,
    ]
    return f"| {' | '.join(cells)} |"


def _exponent(before: tuple[int, float], now: tuple[int, float]) -> float:
    return math.log(now[1] / before[1]) / math.log(now[0] / before[0])


def _speedup(runs: list[Run], contender: str, rows: int) -> str:
    alone = _of(runs, BASELINE, rows)
    if contender == BASELINE or not alone:
        return "–"
    return f"{_median(alone, 'wall_s') / _median(_of(runs, contender, rows), 'wall_s'):.2f}"


def _of(runs: list[Run], contender: str, rows: int) -> list[Run]:
    """Return the runs that ended well."""
    return [run for run in runs if run["contender"] == contender and run.get("rows") == rows]


def _median(runs: list[Run], key: str) -> float:
    return float(statistics.median(run[key] for run in runs))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sizes", default=DEFAULT_SIZES, help=f"of {sorted(SIZES.values())}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draft", action="store_true", help="print only, store nothing")
    arguments = parser.parse_args()
    arguments.sizes = [int(size) for size in arguments.sizes.split(",")]
    record: dict[str, Any] = {"machine": machine(), "options": OPTIONS, "runs": []}
    warm_up(make("syn50k", arguments.labels), OPTIONS)
    measure(arguments, record)
    section = describe(record)
    if not arguments.draft:
        write_section("scale", section)
    print(section)
    return int(any("error" in run for run in record["runs"]))


if __name__ == "__main__":
    sys.exit(main())
