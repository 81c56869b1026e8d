"""Recipes for files given on the command line."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from flows.recipes import LoadedRecipe, check_recipe
from schemas.recipe import Recipe, SourceOptions


def name_after(path: str) -> str:
    """Return a dataset name made from a file name or a Hub id."""
    stem = path.rpartition("/")[2] if path.startswith("hf:") else Path(path).name.split(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "dataset"


def recipe_for_files(inputs: Sequence[str], base: LoadedRecipe | None = None) -> LoadedRecipe:
    """Return a recipe over `inputs` without a teacher.

    Args:
        inputs: files, globs or `hf:owner/name`, relative to the working directory.
        base: rules to apply; its sources and generators give way.

    Raises:
        InputError: if the recipe is wrong.
    """
    recipe = Recipe(name=name_after(inputs[0])) if base is None else _unrooted(base)
    licenses = {source.license for source in recipe.sources}
    terms = licenses.pop() if len(licenses) == 1 else None
    sources = tuple(SourceOptions(path=item, license=terms) for item in inputs)
    changed = recipe.model_copy(update={"sources": sources, "generators": ()})
    check_recipe(changed, where="the command line")
    shown = changed.model_dump(mode="json", exclude_unset=True)
    shown["sources"] = [source.model_dump(mode="json", exclude_defaults=True) for source in sources]
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return LoadedRecipe(changed, Path.cwd(), text)


def _unrooted(loaded: LoadedRecipe) -> Recipe:
    """The recipe with its own relative paths made absolute: inputs are relative to elsewhere."""
    recipe, changes = loaded.recipe, dict[str, object]()
    if recipe.dedup is not None:
        against = tuple(str(loaded.base / path) for path in recipe.dedup.against)
        changes["dedup"] = recipe.dedup.model_copy(update={"against": against})
    if recipe.decontaminate is not None:
        files = tuple(_absolute(loaded, path) for path in recipe.decontaminate.against)
        changes["decontaminate"] = recipe.decontaminate.model_copy(update={"against": files})
    if recipe.judge is not None and recipe.judge.references is not None:
        references = _absolute(loaded, recipe.judge.references)
        changes["judge"] = recipe.judge.model_copy(update={"references": references})
    if recipe.student is not None:
        student = recipe.student
        path = student.path and _absolute(loaded, student.path)
        labels = tuple(_absolute(loaded, path) for path in student.labels)
        changes["student"] = student.model_copy(update={"path": path, "labels": labels})
    changes["labels"] = tuple(_absolute(loaded, path) for path in recipe.labels)
    return recipe.model_copy(update=changes)


def _absolute(loaded: LoadedRecipe, path: str) -> str:
    return path if path.startswith("hf:") else str(loaded.base / path)
