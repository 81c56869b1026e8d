from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.session import RunSpec, Session
from flows.tune.auto import auto_filters
from quality.filters.engine import validate_filters
from quality.tuning.auto import DAMAGE
from schemas.errors import InputError
from schemas.recipe import Recipe
from tests.flows.tune.conftest import sample_rows
from tests.support.recipes import write_jsonl


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator[Any]:
    opened = []

    def start(**fields: Any) -> Session:
        recipe = Recipe.model_validate({"name": "set", "filters": "auto", **fields})
        spec = RunSpec(
            name="set", home=str(tmp_path / "home"), out="out", base=str(tmp_path),
            recipe_json=recipe.model_dump_json(exclude_unset=True), recipe_text="",
        )  # fmt: skip
        opened.append(Session(spec))
        return opened[-1]

    yield start
    for session in opened:
        session.close()


def label(path: Path, count: int, *, start: int = 0) -> None:
    records = [
        {"instruction": row["instruction"], "output": row["output"],
         "label": "bad" if row["instruction"].startswith("Draw") else "good"}
        for row in sample_rows(start + count).tail(count).iter_rows(named=True)
    ]  # fmt: skip
    write_jsonl(path, records)


def test_labels_beside_the_recipe_propose_its_filters(open_session: Any, tmp_path: Path) -> None:
    label(tmp_path / "a.jsonl", 200)
    label(tmp_path / "b.jsonl", 200, start=200)
    found = auto_filters(open_session(labels=["*.jsonl"], min_precision=0.8))
    validate_filters(found.filters)
    assert {"rule": "needs_tools", "column": "instruction"} in found.filters
    assert (found.rows, found.bad, found.message) == (400, 100, None)


def test_few_labels_leave_the_rules_against_damage_and_a_message(
    open_session: Any, tmp_path: Path
) -> None:
    label(tmp_path / "a.jsonl", 20)
    found = auto_filters(open_session(labels=["a.jsonl"]))
    assert {entry["rule"] for entry in found.filters} <= DAMAGE
    assert str(found.message).startswith("too few labels for a precision of 0.9")


def test_no_labels_are_an_error(open_session: Any) -> None:
    with pytest.raises(InputError, match="expected labelled files in `labels`"):
        auto_filters(open_session())


def test_pairs_alone_are_an_error(open_session: Any, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "pairs.jsonl", [{"prompt": "Hi", "chosen": "Yes.", "rejected": "No."}])
    with pytest.raises(InputError, match=r"got only pairs in pairs\.jsonl"):
        auto_filters(open_session(labels=["pairs.jsonl"]))


def test_pairs_beside_labels_do_not_count(open_session: Any, tmp_path: Path) -> None:
    label(tmp_path / "a.jsonl", 40)
    write_jsonl(tmp_path / "b.jsonl", [{"prompt": "Hi", "chosen": "Yes.", "rejected": "No."}])
    assert auto_filters(open_session(labels=["a.jsonl", "b.jsonl"])).rows == 40
