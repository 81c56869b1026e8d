"""`feingold curate`: the main job over existing files, without a teacher."""

import argparse
from typing import Any

from flows.adhoc import recipe_for_files
from flows.recipes import load_recipe
from flows.runner import describe, make_spec, run_recipe, tell


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Curate files to a published version."""
    base = None
    if arguments.recipe:  # its sources give way, so it needs none
        base = load_recipe(arguments.recipe, arguments.set, needs_work=False)
    loaded = recipe_for_files(arguments.inputs, base)
    spec = make_spec(loaded, home=arguments.home, out=arguments.out)
    summary = run_recipe(spec)
    tell(describe(summary))
    return summary
