"""Proposed filters, for people."""

import json
from collections.abc import Mapping
from typing import Any


def show_proposal(proposal: Mapping[str, Any] | None) -> list[str]:
    """Show what `filters: auto` would use, and what it leaves out and why."""
    if proposal is None:
        return []
    tuned = [found for found in proposal["evidence"] if not found["is_damage"]]
    damage = len(proposal["evidence"]) - len(tuned)
    lines = [
        "",
        f"filters: auto at min_precision {proposal['min_precision']:g} would take {damage} rules "
        f"against damage, which need no proof, and {len(tuned)} that these labels prove:",
    ]
    lines += [
        f"  - {json.dumps(found['filter'], ensure_ascii=False)}  expected {found['expected']:.2f}, "
        f"at least {found['low']:.2f} ({_counted(found)}), recall {found['recall']:.1%}"
        for found in tuned
    ]
    if proposal["message"]:
        lines.append(f"  {proposal['message']}")
    untold = [found for found in proposal["left_out"] if found["is_untold"]]
    failed = [found for found in proposal["left_out"] if not found["is_untold"]]
    for title, left_out in (
        ("not proven by these labels", failed),
        ("too few hits to tell", untold),
    ):
        if left_out:
            shown = ", ".join(f"{found['filter']['rule']} {_counted(found)}" for found in left_out)
            lines.append(f"  {title}: {shown}")
    return lines


def show_threshold(threshold: float | None) -> str:
    """Show a threshold as a recipe has it."""
    return "-" if threshold is None else f"{threshold:g}"


def show_rate(rate: Mapping[str, Any]) -> str:
    """Show a share with its interval."""
    if rate["value"] is None:
        return "-"
    return f"{rate['value']:.2f} ({rate['low']:.2f}-{rate['high']:.2f})"


def _counted(found: Mapping[str, Any]) -> str:
    return f"{found['held_out']['found']:,}/{found['held_out']['of']:,}"
