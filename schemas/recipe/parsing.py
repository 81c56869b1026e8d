"""From a YAML mapping to a `Recipe`, or to one line about the first field that is wrong."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from schemas.errors import InputError
from schemas.recipe.generators import GENERATOR_KINDS
from schemas.recipe.recipe import Recipe

_Model = TypeVar("_Model", bound=BaseModel)


def parse_recipe(data: object, *, where: str) -> Recipe:
    """Validate a recipe in full.

    Args:
        data: what the YAML file holds.
        where: file named in the error.

    Raises:
        InputError: for the first unknown or mistyped field, with its path and what to do.
    """
    return parse_options(Recipe, data, where=where)


def parse_options(model: type[_Model], data: object, *, where: str) -> _Model:
    """Validate a file of options.

    Args:
        model: of the file; it has a field `name`.
        data: what the YAML file holds.
        where: file named in the error.

    Raises:
        InputError: for the first unknown or mistyped field, with its path and what to do.
    """
    if not isinstance(data, Mapping):
        msg = f"expected a mapping with at least `name:`, got {type(data).__name__} in {where}"
        raise InputError(msg)
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise InputError(_explain(error, model, where=where)) from error


def _explain(error: ValidationError, model: type[BaseModel], *, where: str) -> str:
    """Turn pydantic's first complaint into one line."""
    # An unknown field says more than the missing one that a typo leaves behind.
    problems = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    problem = problems[0]
    path = [part for part in problem["loc"] if part not in _NOT_FIELDS]
    field = ".".join(str(part) for part in path)
    if problem["type"] == "extra_forbidden":
        parent, name = path[:-1], str(path[-1])
        valid = _field_names(_model_at(model, parent, tag=_tag(problem["loc"])))
        near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(sorted(valid))}"
        return f"unknown field {field!r} in {where}: {hint}"
    got = problem.get("input")
    if problem["type"] == "union_tag_invalid":
        field, got = f"{field}.kind", problem["ctx"]["tag"]
        known = problem["ctx"]["expected_tags"].replace("'", "")
        return f"expected one of {known}, got {got!r} for {field!r} in {where}: correct it"
    if path[-1:] == ["api_key_env"]:
        got = "something else"
    shown = "nothing" if problem["type"] == "missing" else _PASSWORD.sub("...@", repr(got))[:80]
    return f"expected {_wanted(problem['msg'])}, got {shown} for {field!r} in {where}: correct it"


_PASSWORD = re.compile(r"[^\s'/]*@")
# pydantic adds the member of a union to the path; a user has not written it.
_NOT_FIELDS = GENERATOR_KINDS | {
    *("float", "int", "bool", "str", "tuple[str, ...]"),
    *("one", "several"),  # teachers
    *("word", "listed"),  # filters, quotas
}


def _tag(location: Sequence[Any]) -> str | None:
    return next((part for part in location if part in GENERATOR_KINDS), None)


def _wanted(message: str) -> str:
    """Shorten pydantic's message to what was expected."""
    text = message.removeprefix("Input should be ").removeprefix("Value error, ")
    text = text.replace("a valid tuple", "a list").replace("a valid dictionary", "a mapping")
    text = text.replace("Tuple should have at least 1 item after validation, not 0", "an entry")
    return {"Field required": "a value"}.get(text, text)


def _model_at(model: type[BaseModel], path: Sequence[Any], *, tag: str | None) -> type[BaseModel]:
    """Find the option model that a path of field names and positions leads to."""
    for part in path:
        if not isinstance(part, str) or part not in model.model_fields:
            continue
        candidates = _models_in(model.model_fields[part].annotation)
        tagged = [found for found in candidates if _kind_of(found) == tag]
        if tag is not None and tagged:
            model = tagged[0]
        elif candidates:
            model = candidates[0]
    return model


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _kind_of(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return None if kind is None else str(get_args(kind.annotation)[0])


def _field_names(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)
