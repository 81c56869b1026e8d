"""Measure what asking a teacher costs the client, beside a bare loop and other libraries.

    python -m benchmarks.teacher.overhead --json raw.json > table.md
    python -m benchmarks.teacher.overhead --install-only

Every contender sends the same prompts to the loopback server, with the same settings and in a
process of its own, one contender after another, in rounds. Each runs in a process and a virtual
environment of its own, with an empty home folder. Prints a Markdown table; progress goes to stderr.
"""

import argparse
import http.client
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.isolated import ROOT, run_isolated

VENVS = Path.home() / ".cache" / "feingold-bench"

Run = dict[str, Any]  # one contender, once: what the JSON file holds


class Contender(NamedTuple):
    """A module that prints its figures, and what it needs.

    Without requirements it runs in the environment of this driver.
    """

    module: str
    requirements: tuple[str, ...] = ()
    settings: Mapping[str, str] = {}  # environment variables


BASELINE = "bare aiohttp loop"
CONTENDERS = {
    BASELINE: Contender("benchmarks.teacher.peers.bare_aiohttp", ("aiohttp==3.14.5",)),
    "feingold": Contender("benchmarks.teacher.peers.feingold_run"),
    "openai SDK loop": Contender("benchmarks.teacher.peers.bare_openai", ("openai==3.54.0",)),
    "bespokelabs-curator": Contender(
        "benchmarks.teacher.peers.curator_run",
        ("bespokelabs-curator==0.1.31",),
        {
            "CURATOR_DISABLE_CACHE": "1",
            "CURATOR_DISABLE_RICH_DISPLAY": "1",
            "TELEMETRY_ENABLED": "false",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
    ),
    "data-designer": Contender(
        "benchmarks.teacher.peers.data_designer_run",
        ("data-designer==0.9.6",),
        {"NEMO_TELEMETRY_ENABLED": "false"},
    ),
    # distilabel imports requests without asking for it.
    "distilabel": Contender(
        "benchmarks.teacher.peers.distilabel_run",
        ("distilabel[openai]==1.5.3", "requests"),
        {"DISTILABEL_LOG_LEVEL": "WARNING"},
    ),
}


def install(name: str, contender: Contender, venvs: Path) -> Path:
    """Make the contender's environment where it is missing or asks for something else.

    Returns:
        Its Python.
    """
    if not contender.requirements:
        return Path(sys.executable)
    venv = venvs / name.replace(" ", "-")
    python, ready = venv / "bin" / "python", venv / "requirements.txt"
    wanted = "\n".join(contender.requirements)
    if ready.is_file() and ready.read_text() == wanted:
        return python
    _say(f"installing {', '.join(contender.requirements)}")
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    # The table alone goes to stdout.
    subprocess.run([*pip, *contender.requirements], check=True, stdout=sys.stderr)
    ready.write_text(wanted)
    return python


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """Run a fresh loopback server; gives its base URL."""
    command = [sys.executable, "-m", "benchmarks.teacher.server", "--latency", str(latency)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def ask_server(base_url: str, path: str) -> dict[str, float]:
    """Read one of the server's own routes."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        answer: dict[str, float] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def run_once(command: Sequence[str], settings: Mapping[str, str], *, limit_seconds: float) -> Run:
    """Run one contender in an empty home folder and read its figures.

    CPU time is that of the whole process tree, imports and exit included, as the kernel counts it.
    """
    with tempfile.TemporaryDirectory(prefix="feingold-bench-") as home:
        ended = run_isolated(command, Path(home), settings=settings, limit_seconds=limit_seconds)
    run: Run = {
        "exit_code": ended.exit_code,
        "wall_seconds": round(ended.wall_seconds, 4),
        "tree_cpu_seconds": round(ended.tree_cpu_seconds, 4),
    }
    return run | ended.figures


def measure(arguments: argparse.Namespace, pythons: dict[str, Path]) -> list[Run]:
    """Run every contender in every round at every latency, and store each run as it ends."""
    runs: list[Run] = []
    for latency, number, name in schedule(arguments.latency, arguments.rounds, list(pythons)):
        time.sleep(arguments.pause)
        run: Run = {"latency": latency, "round": number, "contender": name}
        run["load_before"] = os.getloadavg()[0]
        contender = CONTENDERS[name]
        sizes = ["--requests", str(arguments.requests), "--in-flight", str(arguments.in_flight)]
        with serving(latency) as base_url:
            command = [str(pythons[name]), "-m", contender.module, base_url, *sizes]
            run |= run_once(command, contender.settings, limit_seconds=arguments.limit)
            run["server"] = ask_server(base_url, "/stats")
        runs.append(run)
        _say(_progress(run))
        arguments.json.write_text(json.dumps(runs, indent=1) + "\n")
    return runs


def schedule(
    latencies: list[float], rounds: int, names: list[str]
) -> Iterator[tuple[float, int, str]]:
    """Order the runs: each round starts with another contender, so that none leads always."""
    for latency in latencies:
        for number in range(rounds):
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                yield latency, number, name


def _progress(run: Run) -> str:
    head = f"{run['latency']:g} s, round {run['round'] + 1}, {run['contender']}"
    if "error" in run:
        return f"{head}: failed, exit code {run['exit_code']}\n{run['error']}"
    return f"{head}: {run['rows_ok']} rows in {run['work_seconds']} s, {run['server']}"


def describe(arguments: argparse.Namespace, runs: list[Run]) -> str:
    """Make the Markdown: what was measured, then a table for each latency."""
    parts = [
        f"""# What asking a teacher costs the client

{arguments.requests:,} requests to /v1/chat/completions, {arguments.in_flight} in flight, against a
loopback server in a process of its own. Medians of {arguments.rounds} rounds, in which the
contenders run one after another. {os.cpu_count()} cores ({platform.machine()}), Python
{platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}.

- wall: the whole process, imports included; in brackets the least and the most.
- work: from the first prompt to the last reply in hand, without the imports at its start.
- CPU: user and system time of the whole process tree, imports included. CPU per row: that of the
  work alone.
- RSS: the peak of the largest process of the tree.
- at once: the most requests that the server saw unanswered. sent: all requests that it saw.
- x bare: against the bare aiohttp loop of the same rounds, work and CPU per row."""
    ]
    for latency in arguments.latency:
        ideal = arguments.requests / arguments.in_flight * latency
        parts.append(
            f"""## {latency * 1000:g} ms until an answer: {ideal:g} s if the client cost nothing

| | version | rows | sent | at once | wall s | work s | CPU s | ms CPU per row | RSS MB \
| work x bare | CPU x bare |
|---|---|---|---|---|---|---|---|---|---|---|---|
{_rows([run for run in runs if run["latency"] == latency])}"""
        )
    return "\n\n".join(parts)


def _rows(runs: list[Run]) -> str:
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run["contender"], []).append(run)
    baseline = _Medians.of(by_name.get(BASELINE, []))
    return "\n".join(_row(name, by_name[name], baseline) for name in CONTENDERS if name in by_name)


class _Medians(NamedTuple):
    """Medians over the rounds of one contender; seconds, and MB."""

    wall: float
    work: float
    cpu: float
    row_cpu: float
    rss: float

    @classmethod
    def of(cls, runs: list[Run]) -> "_Medians | None":
        """Medians of the runs, None where any of them failed or there are none."""
        if not runs or any(not run.get("rows_ok") for run in runs):
            return None

        def median(key: str) -> float:
            return float(statistics.median(run[key] for run in runs))

        row_cpu = statistics.median(run["work_cpu_seconds"] / run["rows_ok"] for run in runs)
        return cls(
            median("wall_seconds"),
            median("work_seconds"),
            median("tree_cpu_seconds"),
            row_cpu,
            median("peak_rss_mb"),
        )


def _row(name: str, runs: list[Run], baseline: _Medians | None) -> str:
    medians = _Medians.of(runs)
    if medians is None:
        failed = sum(not run.get("rows_ok") for run in runs)
        return f"| {name} | failed {failed} of {len(runs)} times |" + " |" * 10
    walls = [run["wall_seconds"] for run in runs]
    ratios = ("", "")
    if baseline is not None:
        ratios = (
            f"{medians.work / baseline.work:.2f}",
            f"{medians.row_cpu / baseline.row_cpu:.1f}",
        )
    cells = [
        name,
        runs[0]["version"],
        _span([run["rows_ok"] for run in runs]),
        _span([run["server"]["requests"] for run in runs]),
        _span([run["server"]["peak_in_flight"] for run in runs]),
        f"{medians.wall:.2f} ({min(walls):.2f}–{max(walls):.2f})",
        f"{medians.work:.2f}",
        f"{medians.cpu:.2f}",
        f"{medians.row_cpu * 1000:.2f}",
        f"{medians.rss:.0f}",
        *ratios,
    ]
    return f"| {' | '.join(cells)} |"


def _span(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least}–{most}"


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, default=Path("overhead.json"), help="raw results")
    parser.add_argument("--venvs", type=Path, default=VENVS, help="where environments are kept")
    parser.add_argument("--install-only", action="store_true", help="make them and stop")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--latency", nargs="+", type=float, default=[0.05, 0.5], help="seconds")
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--in-flight", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600, help="seconds a run may take")
    parser.add_argument("--pause", type=float, default=2, help="seconds of rest before each run")
    arguments = parser.parse_args()
    pythons = {name: install(name, CONTENDERS[name], arguments.venvs) for name in arguments.only}
    if arguments.install_only:
        return 0
    runs = measure(arguments, pythons)
    print(describe(arguments, runs))
    return int(any("error" in run for run in runs))


if __name__ == "__main__":
    sys.exit(main())
