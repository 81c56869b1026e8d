"""`feingold score`: score files only."""

import argparse
from pathlib import Path
from typing import Any

from flows.adhoc import name_after, recipe_for_files
from flows.recipes import LoadedRecipe, check_recipe
from flows.runner import make_spec, run_tables, tell
from schemas.recipe import StudentOptions


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one line of scores per input row."""
    loaded = recipe_for_files(arguments.inputs)
    names = arguments.scorers.split(",") if arguments.scorers else None
    scorers = None if names is None else tuple(name.strip() for name in names if name.strip())
    learned = StudentOptions(path=str(arguments.student)) if arguments.student else None
    recipe = loaded.recipe.model_copy(update={"scorers": scorers, "student": learned})
    check_recipe(recipe, where="the command line")
    out = arguments.out or Path(f"{name_after(arguments.inputs[0])}-scores.parquet")
    loaded = LoadedRecipe(recipe, loaded.base, loaded.text)
    spec = make_spec(loaded, home=arguments.home, out=out.parent)
    answer = run_tables("score", spec, out)
    tell(f"{answer['rows_in']:,} rows scored in {out}, {answer['seconds']:.0f} s")
    return answer
