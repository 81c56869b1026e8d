"""`feingold run`: the main job."""

import argparse
from typing import Any

from flows.recipes import load_recipe
from flows.runner import make_spec, run_recipe, tell
from flows.terminal import describe


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run a recipe to a published version."""
    loaded = load_recipe(arguments.recipe, arguments.set)
    spec = make_spec(loaded, home=arguments.home, out=arguments.out, offline=arguments.offline)
    summary = run_recipe(spec)
    tell(describe(summary))
    return summary
