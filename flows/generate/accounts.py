"""What an accepted row cost: all that its generator asked, over the rows that are published."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from flows.generate.costs import Cost
from flows.store import Store
from schemas.manifest import StageRef


def per_accepted(store: Store, refs: Sequence[StageRef]) -> dict[str, Any] | None:
    """Return the cost of an accepted row, in all and by generator and arm.

    Replies that came from the journal count as if they were new: what a row is worth does not
    depend on how often a run was started. Judges are not counted.

    Args:
        store: with the stages.
        refs: of a run, the last one with the rows that are in.

    Returns:
        `rows`, `requests`, `tokens`, `usd` and `by_arm`, generator to arm to the same; a cost is
        null where no row was accepted. Null where no generator ran.
    """
    made = [store.manifest(ref).notes for ref in refs if ref.stage == "generate"]
    if not made:
        return None
    rows = store.rows(refs[-1]).select("source", pl.col("arm").fill_null(""))
    counts = {tuple(key): number for *key, number in rows.group_by("source", "arm").len().rows()}
    total, accepted = Cost(), 0
    by_arm: dict[str, dict[str, Any]] = {}
    for notes in made:
        source = notes["source"]
        costs = add_up(notes["spent"])
        arms = sorted({*costs, *(arm for name, arm in counts if name == source)})
        by_arm[source] = {
            arm: _per_row(costs.get(arm, Cost()), counts.get((source, arm), 0)) for arm in arms
        }
        for cost in costs.values():
            total.add(cost)
        accepted += sum(number for (name, _), number in counts.items() if name == source)
    return {**_per_row(total, accepted), "by_arm": by_arm}


def add_up(spent: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Cost]:
    """Add up rounds of `Costs.as_notes`, by arm."""
    found: dict[str, Cost] = {}
    for arms in spent:
        for arm, values in arms.items():
            found.setdefault(arm, Cost()).add(Cost(**values))
    return found


def describe(account: Mapping[str, Any]) -> str:
    """Say in a few words what an accepted row cost.

    Example:
        >>> describe({"rows": 2, "requests": 5.5, "tokens": 400.0, "usd": 0.0})
        '5.5 requests and 400 tokens per accepted row'
        >>> describe({"rows": 0, "requests": None, "tokens": None, "usd": None})
        'no row was accepted'
    """
    if not account["rows"]:
        return "no row was accepted"
    money = f"US$ {account['usd']:.6f}, " if account["usd"] else ""
    return (
        f"{money}{account['requests']:,.1f} requests and {account['tokens']:,.0f} tokens per "
        "accepted row"
    )


def _per_row(cost: Cost, rows: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "requests": round(cost.requests / rows, 4) if rows else None,
        "tokens": round(cost.tokens / rows, 2) if rows else None,
        "usd": round(cost.usd / rows, 9) if rows else None,
    }
