"""Starts flows: environment, one run per home at a time, and the summary for people."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.disk import require_writable
from flows.recipes import LoadedRecipe
from flows.session import RunSpec, session_for
from flows.store import Store
from schemas.errors import RunError

# Set before Prefect is imported; what the user has set stays.
_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def prepare_environment() -> None:
    """Quiet the libraries and turn their telemetry off."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def make_spec(loaded: LoadedRecipe, *, home: Path, out: Path, offline: bool = False) -> RunSpec:
    """Describe a run.

    Raises:
        InputError: if `home` or `out` cannot be written.
    """
    for directory in (home, out):
        require_writable(directory)
    return RunSpec(
        name=loaded.recipe.name,
        home=str(home.resolve()),
        out=str(out),
        base=str(loaded.base),
        recipe_json=loaded.recipe.model_dump_json(exclude_unset=True),
        recipe_text=loaded.text,
        offline=offline,
    )


@contextmanager
def only_run(home: Path) -> Iterator[None]:
    """Hold the home for one run.

    Raises:
        RunError: if another run holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        msg = (
            f"expected no other run in {home}, got one under way: wait for it, then run this "
            "again, or give this one its own --home"
        )
        raise RunError(msg) from error
    try:
        Store(home).clear_drafts()
        yield
    finally:
        lock.release()


def run_recipe(spec: RunSpec) -> dict[str, Any]:
    """Run the main flow and return its summary.

    Raises:
        FeingoldError: with the summary so far.
    """
    prepare_environment()
    with only_run(Path(spec.home)):
        session_for(spec)  # starts the clock before Prefect, which takes seconds to import
        from prefect import tags

        from flows.pipeline import run_flow

        with tags("feingold", spec.name):
            summary: dict[str, Any] = run_flow(spec)
    return summary


def run_tables(verb: str, spec: RunSpec, out: Path) -> dict[str, Any]:
    """Run the flow behind `dedup` or `score` and return its summary.

    Raises:
        FeingoldError: if it fails.
    """
    prepare_environment()
    with only_run(Path(spec.home)):
        session_for(spec)
        from prefect import tags

        from flows.tables import dedup_flow, score_flow

        chosen = {"dedup": dedup_flow, "score": score_flow}[verb]
        with tags("feingold", spec.name):
            summary: dict[str, Any] = chosen(spec, str(out))
    return summary


def tell(text: str) -> None:
    """Show people something on stderr."""
    print(text, file=sys.stderr)


def describe(summary: Mapping[str, Any]) -> str:
    """The summary for people, in at most twenty lines."""
    requests, tokens = summary["requests"], summary["tokens"]
    new = "" if summary["is_new"] else " (unchanged: this content was published before)"
    lines = [
        f"{summary['dataset']} {summary['version']}{new}",
        f"  where    {summary['path']}",
        f"  rows     {summary['kept']:,} kept of {summary['rows_in']:,}; {summary['dropped']:,} "
        f"dropped, {summary['quarantined']:,} unreadable",
    ]
    rules = list(summary["by_rule"].items())
    lines += [f"           {count:>7,}  {rule}" for rule, count in rules[:9]]
    if len(rules) > 9:
        lines.append(f"           {sum(count for _, count in rules[9:]):>7,}  by other rules")
    lines += [f"  stopped  {name}: {limit}" for name, limit in summary["stopped_by"].items()]
    if any(requests.values()):
        lines.append(
            f"  teacher  {requests['sent']:,} requests sent, {requests['replayed']:,} replayed, "
            f"{requests['failed']:,} failed; {tokens['prompt']:,} + {tokens['completion']:,} "
            f"tokens; US$ {summary['cost_usd']:.4f}"
        )
    lines += [
        f"  time     {summary['seconds']:,.0f} s",
        f'  load     datasets.load_dataset("{summary["path"]}", "default", split="train")',
        f"  look     {summary['path']}/report.html",
    ]
    return "\n".join(lines)
