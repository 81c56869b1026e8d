from typing import Any, get_args

import pytest
from pydantic import ValidationError

from schemas.errors import InputError
from schemas.recipe import GENERATORS, Recipe, RespondOptions, SelfInstructOptions, parse_recipe

KINDS = ", ".join(get_args(one.model_fields["kind"].annotation)[0] for one in GENERATORS)
#: The recipe of HOUSE.md, every field named.
HOUSE: dict[str, Any] = {
    "name": "my-dataset",
    "language": ["en"],
    "seed": 0,
    "teacher": {
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "some-model",
        "api_key_env": "OPENAI_API_KEY",
        "max_in_flight": 64,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "price_per_million": {"prompt": 0.15, "completion": 0.60},
        "temperature": 0.7,
        "max_tokens": 512,
        "token_field": "max_tokens",
    },
    "budget": {"usd": None, "requests": None, "tokens": None},
    "sources": [{"path": "data/*.jsonl", "format": "auto", "license": "CC-BY-4.0", "share": None}],
    "generators": [
        {"kind": "self_instruct", "target": 100, "seeds": "builtin"},
        {"kind": "respond", "prompts": "prompts.jsonl"},
    ],
    "dedup": {
        "lexical": {"threshold": 0.7, "columns": ["instruction", "input"]},
        "semantic": {"threshold": 0.9},
    },
    "decontaminate": {"against": ["benchmark.jsonl"]},
    "scorers": ["length", "repetition"],
    "filters": [{"rule": "min_words", "column": "output", "value": 3}],
    "select": {"max_rows": None},
    "publish": {"to": None, "private": True},
}


def test_the_recipe_of_the_house_is_valid() -> None:
    found = parse_recipe(HOUSE, where="r.yaml")
    assert isinstance(found.generators[0], SelfInstructOptions)
    assert isinstance(found.generators[1], RespondOptions)
    assert found.dedup is not None
    assert found.dedup.lexical is not None
    assert found.dedup.lexical.columns == ("instruction", "input")
    assert found.teacher.price_per_million is not None
    assert found.teacher.price_per_million.completion == 0.6


def test_only_the_name_is_required_and_defaults_are_those_of_the_house() -> None:
    found = parse_recipe({"name": "a"}, where="r.yaml")
    full = parse_recipe(HOUSE, where="r.yaml")
    assert found.language == full.language
    assert found.seed == full.seed
    assert found.budget == full.budget
    assert found.dedup == full.dedup
    assert found.select == full.select
    assert found.publish == full.publish
    named = {"base_url", "model", "price_per_million", "token_field"}
    assert found.teacher.model_dump(exclude=named) == full.teacher.model_dump(exclude=named)
    assert (found.sources, found.generators, found.scorers, found.filters) == ((), (), None, None)


@pytest.mark.parametrize("name", ["lexical", "semantic"])
def test_null_turns_a_method_off(name: str) -> None:
    found = parse_recipe({"name": "a", "dedup": {name: None}}, where="r.yaml").dedup
    assert found is not None
    assert getattr(found, name) is None
    assert found.exact is True
    assert parse_recipe({"name": "a", "dedup": None}, where="r.yaml").dedup is None


def test_a_recipe_cannot_be_changed() -> None:
    found = parse_recipe({"name": "a"}, where="r.yaml")
    with pytest.raises(ValidationError):
        found.name = "b"  # type: ignore[misc]


def with_field(path: str, value: object) -> dict[str, Any]:
    data: dict[str, Any] = {"name": "a"}
    *parents, last = path.split(".")
    target = data
    for part in parents:
        target = target.setdefault(part, {})
    target[last] = value
    return data


RESPOND = {"kind": "respond", "prompts": "p"}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (None, "expected a mapping with at least `name:`, got NoneType in r.yaml"),
        ([], "expected a mapping with at least `name:`, got list in r.yaml"),
        ("text", "expected a mapping with at least `name:`, got str in r.yaml"),
        ({}, "expected a value, got nothing for 'name' in r.yaml: correct it"),
        ({"nam": "a"}, "unknown field 'nam' in r.yaml: did you mean 'name'?"),
        (with_field("sorces", []), "unknown field 'sorces' in r.yaml: did you mean 'sources'?"),
        (
            with_field("teacher.max_in_fligt", 3),
            "unknown field 'teacher.max_in_fligt' in r.yaml: did you mean 'max_in_flight'?",
        ),
        (
            with_field("dedup.lexical", {"treshold": 0.7}),
            "unknown field 'dedup.lexical.treshold' in r.yaml: did you mean 'threshold'?",
        ),
        (
            with_field("teacher.price_per_million", {"promt": 1, "completion": 1}),
            "unknown field 'teacher.price_per_million.promt' in r.yaml: did you mean 'prompt'?",
        ),
        (
            with_field("sources", [{"path": "a"}, {"path": "a", "licence": "MIT"}]),
            "unknown field 'sources.1.licence' in r.yaml: did you mean 'license'?",
        ),
        (
            with_field("generators", [{"kind": "self_instruct", "targets": 3}]),
            "unknown field 'generators.0.targets' in r.yaml: did you mean 'target'?",
        ),
        (
            with_field("generators", [{**RESPOND, "promts": "p"}]),
            "unknown field 'generators.0.promts' in r.yaml: did you mean 'prompts'?",
        ),
        (
            with_field("budget.zzz", 1),
            "unknown field 'budget.zzz' in r.yaml: valid are requests, tokens, usd",
        ),
        (
            with_field("generators", [{"kind": "respond"}]),
            "expected a value, got nothing for 'generators.0.prompts' in r.yaml: correct it",
        ),
        (
            with_field("generators", [{"kind": "evolve"}]),
            f"expected one of {KINDS}, got 'evolve' for 'generators.0.kind' in r.yaml: correct it",
        ),
        (
            with_field("seed", "x"),
            "expected a valid integer, unable to parse string as an integer, got 'x' for 'seed' "
            "in r.yaml: correct it",
        ),
        (
            with_field("teacher.max_in_flight", 0),
            "expected greater than 0, got 0 for 'teacher.max_in_flight' in r.yaml: correct it",
        ),
        (
            with_field("dedup.semantic", {"threshold": 1.5}),
            "expected less than or equal to 1, got 1.5 for 'dedup.semantic.threshold' in r.yaml: "
            "correct it",
        ),
        (
            with_field("language", "en"),
            "expected a list, got 'en' for 'language' in r.yaml: correct it",
        ),
        (
            with_field("teacher", "gpt"),
            "expected a mapping or instance of TeacherOptions, got 'gpt' for 'teacher' in r.yaml: "
            "correct it",
        ),
        (
            with_field("select.max_rows", 0),
            "expected greater than 0, got 0 for 'select.max_rows' in r.yaml: correct it",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_path_and_help(data: object, line: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(data, where="r.yaml")
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "../a", "a/b", "ä", "a\n", "a.b"])
def test_a_name_is_safe_as_a_directory(name: str) -> None:
    with pytest.raises(InputError, match=r"for 'name' in r\.yaml"):
        parse_recipe({"name": name}, where="r.yaml")


@pytest.mark.parametrize(
    "field",
    ["teacher.requests_per_minute", "budget.usd", "sources.0.share", "dedup.lexical.threshold"],
)
@pytest.mark.parametrize("value", [float("nan"), -1])
def test_no_limit_is_a_strange_number(field: str, value: float) -> None:
    if field == "sources.0.share":
        data: dict[str, Any] = {"name": "a", "sources": [{"path": "p", "share": value}]}
    else:
        data = with_field(field, value)
    with pytest.raises(InputError):
        parse_recipe(data, where="r.yaml")


def test_the_json_schema_names_every_field() -> None:
    assert set(Recipe.model_json_schema()["properties"]) == set(HOUSE) | {
        *("description", "license", "on_abstain", "runner"),
        *("judge", "student", "labels", "min_precision"),
        *("splits", "gate", "refresh", "training", "review", "spending"),
    }
