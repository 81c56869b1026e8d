"""`feingold doctor`: checks that everything a run needs is there, and says what to do."""

import argparse
from typing import Any

from flows.checkup import check_all
from flows.recipes import load_recipe
from schemas.errors import RunError
from schemas.recipe import TeacherOptions


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Check and report; exit 1 where something that a run needs is missing."""
    recipe = load_recipe(arguments.recipe).recipe if arguments.recipe else None
    options = recipe.teacher if recipe else TeacherOptions()
    checks = check_all(options, home=arguments.home)
    answer = {"ok": all(check.is_ok for check in checks if check.is_needed), "checks": []}
    answer["checks"] = [
        {"name": check.name, "ok": check.is_ok, "needed": check.is_needed, "detail": check.detail}
        for check in checks
    ]
    if not arguments.json:
        for check in checks:
            mark = "ok  " if check.is_ok else ("FAIL" if check.is_needed else "note")
            print(f"{mark}  {check.name:<18} {check.detail}")
    if not answer["ok"]:
        missing = ", ".join(check.name for check in checks if check.is_needed and not check.is_ok)
        error = RunError(
            f"expected a complete installation, got problems with {missing}: see above"
        )
        error.summary = answer
        raise error
    return answer
