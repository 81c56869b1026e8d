"""The recipes for message trees, from the command line, on their example forest."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from quality.trees.messages import walk
from tests.support.cli import ROOT, call_cli
from tests.support.fake_teacher import FakeTeacher

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]

FOREST = ROOT / "recipes" / "examples" / "oasst" / "forest.trees.jsonl"


def run(base: Path, name: str, *more: str) -> tuple[dict[str, Any], pl.DataFrame]:
    """Run a recipe; return its summary and the rows with their split."""
    shutil.copytree(ROOT / "recipes", base / "recipes")
    recipe = f"recipes/{name}.yaml"
    answer = call_cli("run", recipe, "--json", *more, cwd=base).succeed().answer
    assert answer["rows_in"] == answer["kept"] + answer["dropped"] + answer["quarantined"]
    folder = base / answer["path"] / "data" / "default"
    parts = [
        pl.read_parquet(path).with_columns(split=pl.lit(path.name.partition("-")[0]))
        for path in sorted(folder.glob("*.parquet"))
    ]
    return answer, pl.concat(parts)


@pytest.mark.parametrize(
    ("name", "kept", "by_rule"),
    [
        (
            "oasst",
            7,
            {
                "max_rank": 13,
                "below_left_out": 2,
                "deleted": 1,
                "lang": 1,
                "min_labels.quality": 1,
                "review": 1,
                "unanswered": 1,
            },
        ),
        (
            "oasst-pairs",
            14,
            {
                "deleted": 1,
                "max_labels.spam": 1,
                "max_labels.toxicity": 1,
                "review": 1,
                "unpaired": 1,
            },
        ),
        (
            "oasst-prompts",
            13,
            {"max_rank": 14, "not_a_prompt": 8, "deleted": 1, "max_labels.spam": 1, "review": 1},
        ),
    ],
)
def test_every_message_of_the_example_is_accounted_for(
    tmp_path: Path, name: str, kept: int, by_rule: dict[str, int]
) -> None:
    answer, rows = run(tmp_path, name)
    assert answer["kept"] == kept
    assert answer["by_rule"] == by_rule
    trees = [json.loads(line) for line in FOREST.read_text().splitlines()]
    owners = {
        node["text"]: tree["message_tree_id"] for tree in trees for node in walk(tree["prompt"])
    }
    split_of: dict[str, set[str]] = {}
    for turns, split in rows.select("messages", "split").iter_rows():
        split_of.setdefault(owners[turns[0]["content"]], set()).add(split)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert {split for splits in split_of.values() for split in splits} == {"train", "test"}


def test_grown_trees_are_published_and_written_whole(tmp_path: Path, teacher: FakeTeacher) -> None:
    address = f"teacher={json.dumps(teacher.options())}"
    answer, rows = run(tmp_path, "oasst-grow", "--set", address, "--set", "splits=null")
    assert answer["kept"] >= 1
    assert answer["requests"]["sent"] == len(teacher.received)
    assert set(rows["source"]) == {"tree"}
    done = call_cli(
        "trees", answer["path"], "--out", "grown.messages.jsonl", "--json", cwd=tmp_path
    )
    found = done.succeed().answer
    assert found["damaged"] == 0
    assert found["trees"] == rows["instruction"].n_unique()
