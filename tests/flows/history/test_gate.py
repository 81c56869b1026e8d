"""The gate of a recipe: a run that breaks it publishes nothing and shows the rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.history.gate import GateError
from flows.versions import list_versions, open_version
from schemas.errors import InputError
from schemas.recipe import parse_recipe
from tests.flows.history.conftest import GOOD
from tests.support.recipes import read_tree, write_jsonl
from tests.support.versions import publish

NO_BENCHMARK = GOOD[50]["instruction"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 20 rows; no test publishes another version of it."""
    base = tmp_path_factory.mktemp("gate")
    publish(base, GOOD[:20])
    return base


def refused(base: Path, records: list[dict[str, str]], **gate: Any) -> GateError:
    before = read_tree(base / "published")
    with pytest.raises(GateError) as caught:
        publish(base, records, gate=gate)
    assert read_tree(base / "published") == before
    return caught.value


def test_a_run_that_loses_too_many_rows_publishes_nothing(base: Path) -> None:
    error = refused(base, GOOD[4:20], max_lost=0.1)
    line = str(error)
    assert "\n" not in line
    assert "gate.max_lost: expected at most 10.00% of the rows of the version before to go" in line
    assert "got 20.00% (4 of 20)" in line
    assert "(gone: no longer among the sources)" in line
    assert "`--set gate=null`" in line
    path = base / "home/gate/set.json"
    assert str(path) in line
    (rule,) = json.loads(path.read_text())["broken"]
    assert len(rule["rows"]) == rule["count"] == 4
    assert error.exit_code == 1


def test_the_message_shows_as_many_rows_as_the_recipe_says(base: Path) -> None:
    error = refused(base, GOOD[8:20], max_lost=0.0, show=2, min_rows=99)
    assert [rule["rule"] for rule in error.broken] == ["gate.max_lost", "gate.min_rows"]
    assert [len(rule["rows"]) for rule in error.broken] == [2, 2]
    assert [rule["count"] for rule in error.broken] == [8, 8]
    assert str(error).count("(gone: ") == 4
    assert json.dumps(error.broken)


def test_a_benchmark_item_in_the_version(base: Path) -> None:
    write_jsonl(base / "bench.jsonl", [{"question": GOOD[3]["instruction"]}])
    error = refused(base, GOOD[:30], max_contaminated=0, benchmarks=["bench.jsonl"])
    assert [row["instruction"] for row in error.broken[0]["rows"]] == [GOOD[3]["instruction"]]
    with pytest.raises(
        InputError, match=r"expected `gate\.benchmarks` or `decontaminate\.against`"
    ):
        publish(base, GOOD[:30], gate={"max_contaminated": 0})


@pytest.mark.parametrize(
    "gate",
    [
        {"min_mean": {"no_such": 0.5}}, {"max_drop": {"language": 0.5}},
        {"max_share": {"nowhere": {"de": 0.5}}},
    ],
)  # fmt: skip
def test_a_column_that_no_row_has(base: Path, gate: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"in gate\.m"):
        publish(base, GOOD[:30], gate=gate)


def test_the_same_rows_are_no_new_version_and_break_nothing(base: Path) -> None:
    version = publish(base, GOOD[:20], gate={"min_rows": 99})
    assert version.name == "1.0.0"


@pytest.mark.slow
def test_a_kept_gate_and_one_that_was_put_aside_publish(tmp_path: Path) -> None:
    gate = {
        "max_lost": 0.5, "min_rows": 3, "min_mean": {"quality": 0.01}, "max_drop": {"quality": 1},
        "max_share": {"language": {"de": 0.9}}, "max_growth": {"language": {"de": 0.9}},
    }  # fmt: skip
    publish(tmp_path, GOOD[:6], gate=gate)
    publish(tmp_path, GOOD[:5], gate=gate)
    publish(tmp_path, GOOD[:1], gate=None)
    assert list(map(str, list_versions(tmp_path / "published/set"))) == ["1.0.0", "2.0.0", "3.0.0"]


@pytest.mark.slow
def test_another_answer_is_no_loss(tmp_path: Path) -> None:
    publish(tmp_path, GOOD[:4])
    other = [{**record, "output": record["output"] + " Indeed."} for record in GOOD[:4]]
    made = publish(tmp_path, other, gate={"max_lost": 0.0})
    assert open_version(made).manifest.version == "2.0.0"


@pytest.mark.parametrize(
    ("gate", "field"),
    [
        ({"max_lost": 1.5}, "gate.max_lost"), ({"max_lose": 0.5}, "gate.max_lose"),
        ({"min_mean": {"quality": "high"}}, "gate.min_mean.quality"),
        ({"max_share": {"language": 0.5}}, "gate.max_share.language"),
    ],
)  # fmt: skip
def test_a_wrong_gate_is_told_before_anything_runs(gate: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe({"name": "a", "gate": gate}, where="r.yaml")
    assert field in str(caught.value)


@pytest.mark.parametrize("splits", [{"test": 0.5, "validation": 0.5}, {"test": 1.0}, {"dev": 0.1}])
def test_wrong_splits_are_told_before_anything_runs(splits: dict[str, float]) -> None:
    with pytest.raises(InputError, match="splits"):
        parse_recipe({"name": "a", "splits": splits}, where="r.yaml")
