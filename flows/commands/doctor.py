"""`feingold doctor`: checks that everything a run needs is there, and says what to do."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flows.checkup import Check, Probed, check_all
from flows.recipes import load_recipe
from flows.teachers.resolve import locate_teachers
from schemas.errors import RunError
from schemas.recipe import Recipe


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Check and report; exit 1 where something that a run needs is missing."""
    recipe = Recipe(name="doctor")
    if arguments.recipe:
        loaded = load_recipe(arguments.recipe)
        recipe = locate_teachers(loaded.recipe, loaded.base)
    checks = check_all(recipe, home=arguments.home)
    answer = {"ok": all(check.is_ok for check in checks if check.is_needed), "checks": []}
    answer["checks"] = [_describe(check) for check in checks]
    if not arguments.json:
        for check in checks:
            mark = "ok  " if check.is_ok else ("FAIL" if check.is_needed else "note")
            print(f"{mark}  {check.name:<18} {check.detail}")
            for line in _probe_lines(check.probed):
                print(line)
    if not answer["ok"]:
        missing = ", ".join(check.name for check in checks if check.is_needed and not check.is_ok)
        error = RunError(
            f"expected a complete installation, got problems with {missing}: see above"
        )
        error.summary = answer
        raise error
    return answer


def _describe(check: Check) -> dict[str, Any]:
    """A check as `--json` shows it."""
    described: dict[str, Any] = {
        "name": check.name,
        "ok": check.is_ok,
        "needed": check.is_needed,
        "detail": check.detail,
    }
    if not check.is_teacher:
        return described
    if check.probed is None:
        return {**described, "supports": {}}
    probing, tokens, cost_usd = check.probed
    return {
        **described,
        "supports": probing.supports,
        "write": list(probing.lines),
        "probes": [asdict(finding) for finding in probing.findings],
        "tokens": tokens,
        "cost_usd": cost_usd,
    }


def _probe_lines(probed: Probed | None) -> Iterator[str]:
    """What the probes found, for people."""
    if probed is None:
        return
    probing, tokens, cost_usd = probed
    for finding in probing.findings:
        mark = "note" if finding.differs or not finding.is_known else "    "
        yield f"{mark}    {finding.name:<16} {finding.detail}"
    for line in probing.lines:
        yield f"note    {'add to teacher':<16} {line}"
    least = "" if probing.is_bill_whole else "at least "
    price = "" if cost_usd is None else f", US$ {cost_usd:.4f}"
    yield f"        {'asking took':<16} {least}{tokens:,} tokens{price}"
