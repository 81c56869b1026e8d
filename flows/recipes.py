"""Reads recipe files and `--set` overrides."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flows.judge.stage import check_judge
from flows.model_scorers import MODEL_SCORERS
from flows.select.check import check_select
from quality.filters.engine import validate_filters
from quality.judging.ratings import rating_columns
from quality.scorers import SCORERS
from schemas.errors import InputError
from schemas.recipe import Recipe, parse_recipe


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A valid recipe and where its relative paths start.

    Attributes:
        recipe: the options.
        base: directory of the file.
        text: the file as it is published beside the data, overrides included.
    """

    recipe: Recipe
    base: Path
    text: str


def load_recipe(
    path: Path, overrides: Sequence[str] = (), *, needs_work: bool = True
) -> LoadedRecipe:
    """Read and validate a recipe, scorers and filters included.

    Args:
        path: YAML file.
        overrides: `key.path=value` strings, values read as YAML.
        needs_work: whether it must name sources or generators.

    Raises:
        InputError: if anything is wrong, before anything runs.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        msg = f"expected a recipe, got no file at {path}: name one, such as recipes/alpaca.yaml"
        raise InputError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"expected a readable UTF-8 recipe, got {error} for {path}: correct it"
        raise InputError(msg) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        msg = f"expected YAML, got {line!r} in {path}: correct it"
        raise InputError(msg) from error
    if overrides:
        if not isinstance(data, dict):
            data = {}
        for override in overrides:
            _set(data, override)
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    recipe = parse_recipe(data, where=str(path))
    check_recipe(recipe, where=str(path), needs_work=needs_work)
    return LoadedRecipe(recipe, path.resolve().parent, text)


def recipe_from_flags(name: str, overrides: Sequence[str]) -> LoadedRecipe:
    """Return a recipe of defaults and overrides, without a file.

    Args:
        name: of the dataset.
        overrides: `key.path=value` strings, values read as YAML.

    Raises:
        InputError: if anything is wrong.
    """
    data: dict[str, Any] = {"name": name}
    for override in overrides:
        _set(data, override)
    recipe = parse_recipe(data, where="the command line")
    check_recipe(recipe, where="the command line", needs_work=False)
    return LoadedRecipe(recipe, Path.cwd(), yaml.safe_dump(data, allow_unicode=True))


def check_recipe(recipe: Recipe, *, where: str, needs_work: bool = True) -> None:
    """Check what the schema alone cannot: registered names, and that there is something to do.

    Raises:
        InputError: with the path of the wrong field.
    """
    try:
        validate_filters(filter_dicts(recipe), columns=_rating_columns(recipe))
        _check_scorers(recipe.scorers or ())
        check_select(recipe.select)
        if recipe.judge is not None:
            check_judge(recipe.judge)
        _check_learning(recipe)
    except InputError as error:
        msg = f"{error} (in {where})"
        raise InputError(msg) from error
    names = [generator.source_name for generator in recipe.generators]
    if len(set(names)) != len(names):
        msg = f"expected generators with different names, got {names!r} in {where}: set `name`"
        raise InputError(msg)
    if needs_work and not recipe.sources and not recipe.generators:
        msg = (
            "expected at least one entry under `sources` or `generators`, got none in "
            f"{where}: there is nothing to do"
        )
        raise InputError(msg)


def _rating_columns(recipe: Recipe) -> list[str]:
    """Columns that rows will have beside those of ROWS and the text scorers."""
    columns = [name for name in recipe.scorers or () if name in MODEL_SCORERS]
    if recipe.judge is not None:
        columns += rating_columns(recipe.judge.dimensions)
    if recipe.student is not None:
        columns += ["student", "student_spread"]
    return columns


def _check_scorers(names: Sequence[str]) -> None:
    known = [*SCORERS, *MODEL_SCORERS]
    for place, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            expected = repr(near[0]) if near else f"one of {', '.join(known)}"
            msg = f"scorers[{place}]: expected {expected}, got {name!r}"
            raise InputError(msg)


def _check_learning(recipe: Recipe) -> None:
    """What is learned must have something to learn from."""
    student = recipe.student
    if recipe.filters == "auto" and not recipe.labels:
        msg = "filters: expected labelled files in `labels` for `auto`, got none: name some"
        raise InputError(msg)
    if student is None or student.path is not None or student.labels:
        return
    if recipe.judge is None:
        msg = (
            "student: expected `path`, `labels` or a judge to learn from, got none: name a file "
            "or set `judge`"
        )
        raise InputError(msg)


def filter_dicts(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the recipe's filters as plain mappings, without what it leaves out."""
    return [
        {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in item.model_dump(exclude_unset=True).items()
        }
        for item in recipe.rules
    ]


def _set(data: dict[str, Any], override: str) -> None:
    """Apply one `key.path=value`."""
    path, separator, value = override.partition("=")
    if not separator or not path:
        msg = f"expected --set key=value, got {override!r}: e.g. --set teacher.max_in_flight=8"
        raise InputError(msg)
    *parents, last = path.split(".")
    target: Any = data
    for part in parents:
        if isinstance(target, list) and part.isdigit() and int(part) < len(target):
            target = target[int(part)]
            continue
        if not isinstance(target, dict):
            msg = f"expected a field to set, got {path!r} in --set: {part!r} is not there"
            raise InputError(msg)
        if not isinstance(target.get(part), dict | list):
            target[part] = {}
        target = target[part]
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        msg = f"expected --set key=value with a YAML value, got {override!r}: quote the value"
        raise InputError(msg) from error
    if isinstance(target, list) and last.isdigit() and int(last) < len(target):
        target[int(last)] = parsed
    elif isinstance(target, dict):
        target[last] = parsed
    else:
        msg = f"expected a field to set, got {path!r} in --set: {last!r} is not there"
        raise InputError(msg)


def recipe_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe, for editors."""
    return Recipe.model_json_schema()
