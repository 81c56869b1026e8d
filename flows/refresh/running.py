"""Runs one night: plans it under the lock of its dataset, runs the main flow, remembers it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.recipes import LoadedRecipe
from flows.refresh.planning import PlannedNight, describe_change, plan_night
from flows.runner import only_run, prepare_environment, tell
from flows.session import session_for
from flows.terminal import describe
from schemas.errors import BudgetError
from schemas.manifest import DatasetManifest


def refresh_recipe(
    loaded: LoadedRecipe,
    *,
    home: Path,
    out: Path,
    offline: bool = False,
    is_full: bool = False,
) -> dict[str, Any]:
    """Add what is new to the newest version of a dataset; without a version run the recipe.

    Args:
        loaded: the recipe.
        home: directory of journal and stages.
        out: directory of versions.
        offline: replay the journal, ask nobody.
        is_full: let all rows, kept and dropped, go through today's rules again.

    Returns:
        The summary of a run, and `nothing_new`, `mode` (first, add or full), `parent`,
        `recipe_changed`, `no_room`.

    Raises:
        FeingoldError: with the summary so far.
    """
    prepare_environment()
    home.mkdir(parents=True, exist_ok=True)
    with only_run(home, loaded.recipe.name):
        # Not before: another run may have published while this one waited.
        night = plan_night(loaded, home=home, out=out, offline=offline, is_full=is_full)
        return _run(night)


def _run(planned: PlannedNight) -> dict[str, Any]:
    night, parent = planned.spec.night, planned.parent
    if night is None or parent is None:
        summary = _run_flow(planned)
        mode = "first"
    else:
        mode = "full" if night.is_full else "add"
        if night.changed and not night.is_full:
            tell(describe_change(night, parent.version))
        summary = _run_flow(planned)
        if not summary["is_new"]:
            summary |= _parent(planned, parent)
            _remember(planned, summary)
    return summary | {
        "nothing_new": not summary["is_new"],
        "mode": mode,
        "parent": parent.version if parent is not None else None,
        "recipe_changed": list(night.changed) if night is not None else [],
        "no_room": night.no_room if night is not None else None,
    }


def _run_flow(planned: PlannedNight) -> dict[str, Any]:
    spec = planned.spec
    session_for(spec)  # starts the clock before Prefect, which takes seconds to import
    from prefect import tags

    from flows.pipeline import run_flow

    try:
        with tags("feingold", spec.name):
            summary: dict[str, Any] = run_flow(spec)
    except BudgetError as error:
        if not any(said in str(error) for said in planned.allowance):
            raise
        msg = (
            f"expected to stay within refresh.budget ({', '.join(planned.allowance.values())} a "
            "night), but the next request could exceed it: what was paid for is kept, the next "
            "night goes on with it; or raise it and run the same command again"
        )
        failure = BudgetError(msg)
        failure.summary = error.summary
        raise failure from error
    return summary


def _parent(planned: PlannedNight, parent: DatasetManifest) -> dict[str, Any]:
    """The version that stands where nothing came of a night."""
    return {
        "version": parent.version,
        "path": str(Path(planned.spec.out) / parent.name / parent.version),
        "content_sha256": parent.content_sha256,
    }


def _remember(planned: PlannedNight, summary: Mapping[str, Any]) -> None:
    """Keep the rounds of a night that brought no version: the next one goes on behind them."""
    notes = [stage["notes"] for stage in summary["stages"]]
    plans = {note["generator"]: note["requests_by_round"] for note in notes if "generator" in note}
    record = replace(planned.record, plans=planned.record.plans | plans)
    record.write(Path(planned.spec.home), planned.spec.name)


def describe_refresh(summary: Mapping[str, Any]) -> str:
    """The summary of a refresh for people."""
    if not summary["nothing_new"]:
        return describe(summary)
    lines = [f"nothing new since {summary['version']}"]
    if summary["no_room"] is not None:
        lines.append(f"  no room  {summary['no_room']}: nothing can be added")
    gone = summary["dropped"] + summary["quarantined"]
    if gone:
        lines.append(f"  looked   at {gone:,} new rows; no rule let one pass")
    lines += [f"           {count:>7,}  {rule}" for rule, count in summary["by_rule"].items()][:9]
    lines.append(f"  time     {summary['seconds']:,.0f} s, US$ {summary['cost_usd']:.4f}")
    return "\n".join(lines)
