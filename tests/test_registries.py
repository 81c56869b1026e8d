"""What a folder holds and what its dict literal names are the same."""

import ast
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from flows.__main__ import _VERBS
from flows.methods import METHODS as GENERATION
from flows.readers import READERS
from quality.dedup import METHODS
from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.filters.check import Check
from quality.formats import FORMATS
from quality.scorers import DEFAULT_SCORERS, SCORERS
from schemas.recipe import GENERATOR_KINDS, Recipe, SourceOptions

ROOT = Path(__file__).parents[1]

#: Modules beside the registered ones: plumbing that several of them share.
HELPERS = {
    "quality/scorers": {
        *("measure", "conversation", "consistency"),
        *("calculation", "conversion", "language_kernel"),
    },
    "quality/filters": {"check", "engine"},
    "quality/formats": {"parse", "frame", "turns", "published"},
    "flows/commands": set[str](),
    "flows/generators": {"profiles", "drawing", "tasks", "evol_cues", "loose_json"},
    "flows/methods": {
        *("base", "jobs", "answering", "proposing", "evol_starts", "dialogue_talk"),
        *("chunk_requests", "material", "over_tasks", "verifying", "pairing", "raters"),
    },
}


def modules_in(folder: str) -> set[str]:
    names = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    return names - HELPERS[folder]


def test_every_scorer_is_registered_under_the_name_of_its_file() -> None:
    assert set(SCORERS) == modules_in("quality/scorers")
    for name, scorer in SCORERS.items():
        assert (scorer.__name__, scorer.__module__) == (name, f"quality.scorers.{name}")
    assert set(DEFAULT_SCORERS) <= set(SCORERS)


def test_every_filter_is_registered_under_its_own_name() -> None:
    found: dict[str, Callable[..., object]] = {}
    for name in modules_in("quality/filters"):
        module = importlib.import_module(f"quality.filters.{name}")
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not function_name.startswith("_")
            if is_own and inspect.signature(function).return_annotation is Check:
                found[function_name] = function
    assert dict(FILTERS) == found
    assert {entry["rule"] for entry in DEFAULT_FILTERS} <= set(FILTERS)


def test_every_format_is_registered_under_the_name_of_its_file() -> None:
    assert set(FORMATS) == modules_in("quality/formats")


def test_every_verb_is_a_module_and_the_other_way_round() -> None:
    assert set(_VERBS) == modules_in("flows/commands")


def test_every_generator_kind_is_a_method_under_the_name_of_its_file() -> None:
    assert set(GENERATOR_KINDS) == set(GENERATION) == modules_in("flows/methods")
    assert modules_in("flows/generators") <= set(GENERATOR_KINDS)
    for kind, method in GENERATION.items():
        assert method.__module__ == f"flows.methods.{kind}"


def test_every_dedup_method_is_a_module_and_a_field_of_the_recipe() -> None:
    options = Recipe.model_fields["dedup"].default
    assert list(METHODS) == ["exact", "lexical", "semantic"]
    assert set(METHODS) <= set(type(options).model_fields)
    for name in METHODS:
        assert (ROOT / "quality" / "dedup" / f"{name}.py").is_file()


def test_a_source_may_name_every_format_that_can_be_told() -> None:
    named = set(get_args(SourceOptions.model_fields["format"].annotation))
    assert named - {"auto"} == set(FORMATS) - {"openai", "prompts"}


@pytest.mark.parametrize("extension", list(READERS))
def test_a_reader_is_a_function_of_the_readers(extension: str) -> None:
    assert READERS[extension].__module__.startswith("flows.readers.")


PUBLIC_DOCUMENTED = [
    path for room in ("schemas", "quality", "flows") for path in sorted((ROOT / room).rglob("*.py"))
]


@pytest.mark.parametrize(
    "path", PUBLIC_DOCUMENTED, ids=[str(path.relative_to(ROOT)) for path in PUBLIC_DOCUMENTED]
)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert found is not None
    assert found.splitlines()[0].endswith((".", ":", ","))
