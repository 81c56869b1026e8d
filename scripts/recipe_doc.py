"""Writes docs/recipe.md from the option models, so that the page cannot go out of date."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from quality.filters import FILTERS
from quality.scorers import SCORERS
from schemas.recipe import GENERATORS, Recipe

ROOT = Path(__file__).resolve().parent.parent
INTRO = """\
# The recipe

A recipe is a YAML file. It is validated in full before anything runs: an unknown or mistyped field
ends the run with its path and the nearest valid name. Everything but `name` has a default.
`--set teacher.max_in_flight=8` overrides one field, and `feingold schema > recipe.schema.json`
writes a JSON Schema for editors. Relative paths are relative to the recipe.

This page is made by `python scripts/recipe_doc.py`; a test compares it with the code.
"""


def main() -> None:
    """Write the page."""
    (ROOT / "docs" / "recipe.md").write_text(render(), encoding="utf-8")


def render() -> str:
    """Return the page."""
    parts = [INTRO, _section("Top level", Recipe)]
    for name, field in Recipe.model_fields.items():
        models = _models(field.annotation)
        if name == "generators":
            models = list(GENERATORS)
        for model in models:
            title = f"`{name}`"
            if name == "generators":
                title += f" of kind `{get_args(model.model_fields['kind'].annotation)[0]}`"
            parts.append(_section(title, model))
            parts += _nested(name, model)
    parts.append(_registry("Filters", "Rules for `filters`, in the words of the code.", FILTERS))
    parts.append(_registry("Scorers", "Columns for `scorers`; null = cannot tell.", SCORERS))
    return "\n".join(parts)


def _nested(path: str, model: type[BaseModel]) -> Iterator[str]:
    for name, value in model.model_fields.items():
        for sub in dict.fromkeys(_models(value.annotation)):
            yield _section(f"`{path}.{name}`", sub)
            yield from _nested(f"{path}.{name}", sub)


def _section(title: str, model: type[BaseModel]) -> str:
    lines = [f"## {title}", "", (model.__doc__ or "").split("\n")[0], ""]
    lines += ["| field | default | |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        text = (field.description or "").replace("|", "\\|")
        lines.append(
            f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {text} |"
        )
    return "\n".join([*lines, ""])


def _registry(title: str, line: str, entries: Mapping[str, Callable[..., object]]) -> str:
    rows = [
        f"| `{name}` | {(entry.__doc__ or '').split(chr(10))[0]} |"
        for name, entry in entries.items()
    ]
    return "\n".join([f"## {title}", "", line, "", "| name | |", "| --- | --- |", *rows, ""])


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return "see below"
    if value is None:
        return "null"
    if value in ((), "", {}):
        return "none"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


if __name__ == "__main__":
    main()
