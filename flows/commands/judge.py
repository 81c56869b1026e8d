"""`feingold judge`: let a teacher rate rows, or compare two answers to each task."""

import argparse
from pathlib import Path
from typing import Any

from flows.adhoc import name_after, recipe_for_files
from flows.judge.show import show_comparison, show_rating
from flows.recipes import LoadedRecipe, load_recipe, recipe_from_flags
from flows.runner import make_spec, tell
from schemas.recipe import JudgeOptions


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one line of verdicts per input row, and say what they are worth."""
    loaded = _load(arguments)
    out = arguments.out or Path(f"{name_after(arguments.inputs[0])}-judged.parquet")
    spec = make_spec(loaded, home=arguments.home, out=out.parent)
    # Prefect takes seconds to import: only after everything that can be wrong was looked at.
    from flows.judge.verb import judge_files

    answer = judge_files(spec, out, pairs=arguments.pairs)
    found = answer["judge"]
    tell(f"{answer['rows_in']:,} rows in {out}, {answer['quarantined']:,} unreadable")
    tell(show_comparison(found) if arguments.pairs else show_rating(found))
    tell(f"  time     {answer['seconds']:,.0f} s, {answer['requests']['sent']:,} requests sent")
    return answer


def _load(arguments: argparse.Namespace) -> LoadedRecipe:
    """Return the recipe over the files, with what the flags say about judging."""
    if arguments.recipe:
        base = load_recipe(arguments.recipe, arguments.set, needs_work=False)
    else:
        base = recipe_from_flags(name_after(arguments.inputs[0]), arguments.set)
    loaded = recipe_for_files(arguments.inputs, base)
    judge = loaded.recipe.judge or JudgeOptions()
    if arguments.rows is not None:
        judge = judge.model_copy(update={"max_rows": arguments.rows})
    recipe = loaded.recipe.model_copy(update={"judge": judge})
    return LoadedRecipe(recipe, loaded.base, loaded.text)
