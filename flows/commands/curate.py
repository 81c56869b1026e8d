"""`feingold curate`: the main job over existing files, without a teacher."""

import argparse
from typing import Any

from flows.adhoc import name_after, recipe_for_files
from flows.recipes import load_recipe, recipe_from_flags
from flows.runner import make_spec, run_recipe, tell
from flows.terminal import describe


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Curate files to a published version."""
    if arguments.recipe:  # its sources give way, so it needs none
        base = load_recipe(arguments.recipe, arguments.set, needs_work=False)
    else:
        base = recipe_from_flags(name_after(arguments.inputs[0]), arguments.set)
    loaded = recipe_for_files(arguments.inputs, base)
    spec = make_spec(loaded, home=arguments.home, out=arguments.out)
    summary = run_recipe(spec)
    tell(describe(summary))
    return summary
