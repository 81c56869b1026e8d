"""The Markdown of `compare`: what was measured and how, then a table for each input."""

import math
import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.dedup.contenders import BASELINE, CONTENDERS, Run
from benchmarks.dedup.data import ALPACA
from benchmarks.dedup.results import describe_machine

_HEADINGS = {
    "equal": "Equal settings: {bands} bands of {rows} values, {num_perm} permutations, word "
    "{ngram}-grams, threshold {threshold}",
    "defaults": "Each tool at its own defaults, threshold {threshold}",
}
_COLUMNS = (
    "tool",
    "version",
    "CPU s",
    "wall s",
    "with imports",
    "MB",
    "rows per CPU s",
    "x feingold CPU",
    "removed",
    "recall",
    "precision",
)
_NONE = "–"


def describe(record: Mapping[str, Any]) -> str:
    """Make the section.

    Args:
        record: what `compare` measured.
    """
    parts = [
        f"""## Lexical deduplication beside other tools

{describe_machine(record["machine"])} Written by `python -m benchmarks.dedup.compare`.

Everyone starts from one Parquet file (`id`, `text`) and ends with one of the kept rows. One worker
unless the name says otherwise; the threads of every library are limited to the workers.

- CPU: user and system seconds of the whole process tree from after the imports to the written file,
  median (least–most). wall: the same span. with imports: CPU seconds of the whole process.
- MB: peak of the process; after the plus that of its largest child, of which there is one a worker.
- recall: share of the truly similar pairs of which a side was removed. precision: share of the
  removed rows for which a truly similar row was kept. Truth is an exact join, Jaccard of at least
  the threshold, over the tool's own n-grams and the definition of a word nearest to its own.
- `syn`: spliced from the texts of Alpaca, 30 % changed copies (0 to 30 % of the words, mostly few).
  `{ALPACA}`: its prompts as they are, which hold some 30 pairs only: read the counts, not the
  shares.
- Runs of over a minute are made once. feingold's guards are off, its kernels compiled before."""
    ]
    for setting, options in record["settings"].items():
        tables = [
            _table(record, setting, name) for name in _inputs(record["runs"], setting=setting)
        ]
        if tables:
            parts += [f"### {_HEADINGS[setting].format(**options)}", *tables]
    return "\n\n".join(parts)


def _inputs(runs: list[Run], *, setting: str) -> list[str]:
    return list(dict.fromkeys(run["input"] for run in runs if run["setting"] == setting))


def _table(record: Mapping[str, Any], setting: str, name: str) -> str:
    place = {"setting": setting, "input": name}
    here = [run for run in record["runs"] if place.items() <= run.items()]
    base = [run for run in here if run["contender"] == BASELINE and "error" not in run]
    base_cpu = statistics.median(run["cpu_s"] for run in base) if base else math.nan
    verdicts = {
        verdict["contender"]: verdict
        for verdict in record["verdicts"]
        if place.items() <= verdict.items()
    }
    not_run = {
        cell["contender"]: cell["estimated_seconds"]
        for cell in record["not_run"]
        if (cell["setting"], cell["name"]) == (setting, name)
    }
    lines = [f"#### {name}", "", f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
    for tool in CONTENDERS:
        runs = [run for run in here if run["contender"] == tool]
        if runs:
            lines.append(_line(_cells(tool, runs, base_cpu, verdicts.get(tool))))
        elif tool in not_run:
            lines.append(_line([tool, f"not run, {not_run[tool] / 60:.0f} minutes estimated"]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join([*cells, *[''] * (len(_COLUMNS) - len(cells))])} |"


def _cells(
    tool: str, runs: list[Run], base_cpu: float, verdict: Mapping[str, Any] | None
) -> list[str]:
    failed = [run for run in runs if "error" in run]
    if failed:
        return [tool, f"failed, exit code {failed[0]['exit_code']}"]
    cpu = statistics.median(run["cpu_s"] for run in runs)
    ratio = cpu / base_cpu
    return [
        tool,
        runs[0]["version"],
        _spread([run["cpu_s"] for run in runs]),
        _spread([run["wall_s"] for run in runs]),
        f"{statistics.median(run['process_cpu_s'] for run in runs):.2f}",
        _memory(runs),
        f"{runs[0]['rows'] / cpu:,.0f}",
        _NONE if math.isnan(ratio) else f"{ratio:.1f}",
        _removed(runs),
        _share(verdict, "recall"),
        _share(verdict, "precision"),
    ]


def _spread(seconds: list[float]) -> str:
    median = f"{statistics.median(seconds):.2f}"
    return median if len(seconds) == 1 else f"{median} ({min(seconds):.2f}–{max(seconds):.2f})"


def _memory(runs: list[Run]) -> str:
    own = f"{statistics.median(run['peak_rss_mb'] for run in runs):.0f}"
    child = statistics.median(run["peak_child_rss_mb"] for run in runs)
    return f"{own} + {child:.0f}" if child else own


def _removed(runs: list[Run]) -> str:
    """Count the removed rows; where the rounds disagree, from least to most."""
    counts = sorted({run["rows"] - run["kept"] for run in runs})
    return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,}–{counts[-1]:,}"


def _share(verdict: Mapping[str, Any] | None, key: str) -> str:
    if verdict is None or verdict[key] is None or math.isnan(verdict[key]):
        return _NONE
    return f"{verdict[key]:.3f}"
