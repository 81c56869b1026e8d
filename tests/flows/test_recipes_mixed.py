"""The recipes of GPT4All and Koala, on the examples that they name."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows import stages
from flows.recipes import load_recipe
from flows.session import RunSpec, Session
from schemas.manifest import StageRef
from schemas.recipe import Recipe
from tests.support import fake_teacher
from tests.support.cli import ROOT, call_cli
from tests.support.fake_teacher import FakeTeacher

ARMS = ("koala-distill", "koala-all")


def refine(name: str, home: Path) -> tuple[Session, list[StageRef]]:
    """Take the rows of a recipe through its stages, comparing words only: no model is loaded."""
    loaded = load_recipe(ROOT / "recipes" / f"{name}.yaml")
    data: dict[str, Any] = yaml.safe_load(loaded.text)
    data["dedup"] = {**data.get("dedup", {}), "semantic": None}
    data["decontaminate"] = {**data["decontaminate"], "semantic": None}
    made = Recipe.model_validate(data).model_dump_json()
    session = Session(RunSpec(name, str(home), "", str(loaded.base), made, ""))
    refs = [stages.ingest(session)]
    refs.append(stages.signals(session, refs))
    for step in (stages.dedup, stages.decontaminate, stages.filter_rows, stages.select):
        refs.append(step(session, refs[-1]))
    return session, refs


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Session, list[StageRef]]]:
    home = tmp_path_factory.mktemp("koala")
    return {name: refine(name, home) for name in ARMS}


Arms = dict[str, tuple[Session, list[StageRef]]]


@pytest.mark.parametrize("name", ARMS)
def test_every_row_of_both_arms_knows_its_source_and_licence(arms: Arms, name: str) -> None:
    session, refs = arms[name]
    rows = session.store.rows(refs[-1])
    named = [Path(source.path).name for source in session.recipe.sources]
    assert set(rows["source"]) == set(named)
    for column in ("license", "file", "row", "raw"):
        assert rows[column].null_count() == 0
    marked = rows.filter(pl.col("arm").is_not_null())
    assert marked["parents"].list.len().to_list() == [1] * marked.height
    assert set(marked["arm"]) == (set() if name == "koala-distill" else {"good", "bad"})


@pytest.mark.parametrize("name", ARMS)
def test_the_books_balance_at_every_stage(arms: Arms, name: str) -> None:
    session, refs = arms[name]
    first = session.store.manifest(refs[0])
    gone = sum(session.store.dropped(ref).height for ref in refs)
    assert session.store.rows(refs[-1]).height + gone == first.rows_in


def test_the_planted_leaks_are_removed(arms: Arms) -> None:
    leaks = {
        "koala-distill": {"Tell me how rainbows are made."},
        "koala-all": {
            "Tell me how rainbows are made.",
            "Explain why ships made of steel do not sink.",
        },
    }
    for name, (session, refs) in arms.items():
        found = session.store.dropped(refs[3])
        assert set(found["instruction"]) == leaks[name]
        assert not set(session.store.rows(refs[-1])["instruction"]) & leaks["koala-all"]


def test_a_query_of_the_dialogues_is_there_once(arms: Arms) -> None:
    for session, refs in arms.values():
        gone = session.store.decisions(refs[0])
        assert gone["rule"].to_list() == ["same_query"] * 3
        rows = session.store.rows(refs[0]).filter(source="dialogues.jsonl")
        long = rows.filter(pl.col("instruction").str.starts_with("Plan a small"))
        assert long["messages"].list.len().to_list() == [4]


def test_the_distill_arm_is_a_part_of_the_pool_of_the_other(arms: Arms) -> None:
    one, other = (arms[name][0].store.rows(arms[name][1][0]) for name in ARMS)
    assert set(one["id"]) < set(other["id"])


def test_both_sides_of_a_pair_stay_under_their_markers(arms: Arms) -> None:
    session, refs = arms["koala-all"]
    rows = session.store.rows(refs[2])
    sides = rows.filter(pl.col("arm").is_not_null()).group_by("parents").agg("arm", "system")
    assert sides.height == 18
    assert all(sorted(one) == ["bad", "good"] for one in sides["arm"])
    assert all(len(set(one)) == 2 for one in sides["system"])


def test_the_mix_has_the_shares_it_says(arms: Arms) -> None:
    session, refs = arms["koala-all"]
    rows = session.store.rows(refs[-1])
    note = session.store.manifest(refs[-1]).notes["mix"]
    assert note["unit"] == "tokens"
    tokens = dict(rows.group_by("source").agg(pl.col("tokens").sum()).iter_rows())
    read = {line["name"]: line["used"] * line["epochs"] for line in note["groups"]}
    for line in note["groups"]:
        assert line["used"] == tokens[line["name"]]
        # A training that reads each row as often as stated sees the shares that were asked for.
        assert abs(read[line["name"]] / sum(read.values()) - line["wanted"]) <= 0.02


def test_the_recipe_of_gpt4all_names_pools_that_are_there() -> None:
    loaded = load_recipe(ROOT / "recipes" / "gpt4all.yaml")
    assert loaded.recipe.review is not None
    assert not loaded.recipe.review.apply
    prompts = loaded.recipe.model_dump()["generators"][0]["prompts"]
    assert all((loaded.base / path).is_file() for path in prompts)
    lines = (loaded.base / prompts[-1]).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["instruction"][:22] for line in lines} == {"One word, yes or no: d"}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
def test_the_flat_pool_of_gpt4all_is_found_and_one_flag_drops_it(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = fake_teacher._answer_text
    monkeypatch.setattr(
        fake_teacher,
        "_answer_text",
        lambda task, rng: "Yes" if "One word" in task else answer(task, rng),
    )
    recipe = ROOT / "recipes" / "gpt4all.yaml"
    sets = [f"teacher={json.dumps(teacher.options())}", "dedup.semantic=null"]
    words = ["run", recipe, "--json", *(word for one in sets for word in ("--set", one))]
    first = call_cli(*words, cwd=tmp_path).succeed().answer
    note = _review(first)
    assert {line["name"]: line["proposal"] for line in note["sources"]} == {
        "code.csv": "keep",
        "everyday.txt": "keep",
        "labels.jsonl": "drop",
    }
    again = call_cli(*words, "--set", "review.apply=true", cwd=tmp_path).succeed().answer
    assert again["requests"]["sent"] == 0
    (flat,) = (line for line in _review(again)["sources"] if line["name"] == "labels.jsonl")
    assert again["by_rule"]["source_dropped"] == flat["rows"]
    rows = pl.read_parquet(tmp_path / again["path"] / "data" / "default" / "*.parquet")
    assert set(rows["arm"]) == {"code.csv", "everyday.txt"}


def _review(answer: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        stage["notes"]["review"] for stage in answer["stages"] if stage["stage"] == "review"
    )
    assert isinstance(found, dict)
    return found
