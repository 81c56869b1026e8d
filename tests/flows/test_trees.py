import gzip
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.readers import read_items
from flows.sources import read_sources
from flows.store import StageOutput
from flows.tree_files import convert_trees, grown_trees
from quality.splits import Related, group_rows
from quality.trees.messages import canonical
from schemas.errors import InputError
from schemas.recipe import SplitOptions
from tests.flows.test_sources import open_session
from tests.support.cli import call_cli
from tests.support.recipes import write_jsonl


def node(name: str, role: str, *replies: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "message_id": name,
        "text": f"What {name} says, in words of its own.",
        "role": role,
        "lang": "en",
        **fields,
        "replies": list(replies),
    }


def tree(number: int) -> dict[str, Any]:
    """A prompt, three ranked answers, and an answered question below the best."""
    name = f"t{number}"
    more = node(
        f"{name}-q",
        "prompter",
        node(f"{name}-r3", "assistant", rank=0),
        node(f"{name}-r4", "assistant", rank=1),
        parent_id=f"{name}-r0",
    )
    answers = [
        node(f"{name}-r0", "assistant", more, rank=0, labels={"spam": {"value": 0.1, "count": 3}}),
        node(f"{name}-r1", "assistant", rank=1, labels={"spam": {"value": 0.9, "count": 3}}),
        node(f"{name}-r2", "assistant", rank=2, emojis={"+1": number}),
    ]
    return {
        "message_tree_id": name,
        "tree_state": "ready_for_export",
        "prompt": node(name, "prompter", *answers),
    }


FOREST = [tree(number) for number in range(6)]


def read(folder: Path, **trees: Any) -> StageOutput:
    source = {"path": "forest.jsonl", "license": "CC0-1.0", "trees": trees or None}
    return read_sources(open_session(folder, [source])).compute()


def test_what_a_threshold_takes_is_a_decision_with_value_and_text(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "forest.jsonl", FOREST[:1])
    found = read(tmp_path, max_labels={"spam": 0.5}, max_rank=1)
    assert found.rows["output"].str.extract(r"(t0-r\d)").to_list() == ["t0-r0", "t0-r0"]
    assert found.rows_in == found.rows.height + found.dropped.height == 4
    lines = found.decisions.sort("rule").select(
        "stage", "rule", "action", "value", "threshold", "evidence"
    )
    where = "forest.jsonl, line 1: message"
    assert lines.rows() == [
        ("ingest", "max_labels.spam", "drop", 0.9, 0.5, f"{where} 't0-r1': spam 0.9"),
        ("ingest", "max_rank", "drop", 2.0, 1.0, f"{where} 't0-r2': rank 2"),
    ]
    kept_text = found.dropped.filter(pl.col("id") == found.decisions["id"][0])["raw"][0]
    assert json.loads(kept_text)["text"] == "What t0-r1 says, in words of its own."


@pytest.mark.parametrize(
    ("take", "rows"), [("threads", 6 * 4), ("pairs", 6 * 4), ("prompts", 6 * 2)]
)
def test_flat_messages_in_any_order_give_the_rows_of_their_trees(
    tmp_path: Path, take: str, rows: int
) -> None:
    write_jsonl(tmp_path / "forest.jsonl", FOREST)
    nested = read(tmp_path, take=take)
    convert_trees(read_items(tmp_path / "forest.jsonl"), tmp_path / "x.messages.jsonl")
    lines = (tmp_path / "x.messages.jsonl").read_text().splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    (tmp_path / "forest.jsonl").write_text("".join(lines))
    flat = read(tmp_path, take=take)
    assert nested.rows.height == rows
    for one in (nested, flat):
        assert one.rows_in == one.rows.height + one.dropped.height
    assert sorted(flat.rows["id"]) == sorted(nested.rows["id"])
    assert sorted(flat.dropped["id"]) == sorted(nested.dropped["id"])


def test_without_options_flat_messages_are_read_as_their_trees(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "forest.jsonl", FOREST)
    nested = read(tmp_path)
    convert_trees(read_items(tmp_path / "forest.jsonl"), tmp_path / "forest.messages.jsonl")
    (tmp_path / "forest.messages.jsonl").rename(tmp_path / "forest.jsonl")
    assert sorted(read(tmp_path).rows["id"]) == sorted(nested.rows["id"])
    assert set(nested.decisions["rule"]) == {"lower_ranked"}


def test_damage_is_quarantined_by_name_beside_other_records(tmp_path: Path) -> None:
    lost = {"message_id": "x", "parent_id": "gone", "role": "assistant", "text": "Hm."}
    broken = {**FOREST[1], "prompt": {**FOREST[1]["prompt"], "replies": ["torn"]}}
    deep: dict[str, Any] = {**lost, "more": 1}
    for _ in range(150):
        deep["more"] = [deep["more"]]
    ask = {"instruction": "Name a river.", "output": "The Rhine."}
    write_jsonl(tmp_path / "forest.jsonl", [lost, FOREST[0], broken, ask, deep])
    found = read(tmp_path, take="threads")
    assert found.rows_in == found.rows.height + found.dropped.height
    rules = dict(found.decisions.select("rule", "action").iter_rows())
    assert rules == {
        "orphan": "quarantine",
        "no_message": "quarantine",
        "unknown_format": "quarantine",
        "unanswered": "drop",
    }
    assert found.rows.height == 4 + 1
    orphan = found.decisions.filter(pl.col("rule") == "orphan")["evidence"][0]
    assert orphan.startswith("forest.jsonl, line 1: ")


@pytest.mark.parametrize("take", ["threads", "pairs", "prompts"])
def test_no_tree_straddles_the_splits(tmp_path: Path, take: str) -> None:
    write_jsonl(tmp_path / "forest.jsonl", FOREST)
    rows = read(tmp_path, take=take).rows
    # Only the tree keeps these together: each row has a first question of its own.
    named = pl.Series("instruction", [f"{place}" for place in range(rows.height)])
    options = SplitOptions()
    related = Related(None, same_instruction=False, fields=options.together)
    groups = group_rows(rows.with_columns(named, pl.lit("").alias("input")), related)
    trees = rows["raw"].str.json_path_match("$.message_tree_id")
    assert trees.n_unique() == groups.n_unique() == len(FOREST)
    assert pl.DataFrame([trees, groups.alias("group")]).unique().height == len(FOREST)


def test_a_file_goes_both_ways_without_loss(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "forest.trees.jsonl", FOREST)
    there = call_cli(
        "trees", source, "--out", tmp_path / "x.messages.jsonl.gz", "--json", cwd=tmp_path
    )
    assert there.succeed().answer | {"path": ""} == {
        "path": "",
        "form": "messages",
        "trees": 6,
        "messages": 42,
        "damaged": 0,
        "damaged_path": None,
        "by_rule": {},
    }
    assert len(gzip.decompress((tmp_path / "x.messages.jsonl.gz").read_bytes()).splitlines()) == 42
    convert_trees(read_items(tmp_path / "x.messages.jsonl.gz"), tmp_path / "back.json", "trees")
    back = [json.loads(line) for line in (tmp_path / "back.json").read_text().splitlines()]
    assert list(map(canonical, back)) == list(map(canonical, FOREST))


def test_what_belongs_to_no_tree_is_written_beside(tmp_path: Path) -> None:
    torn = {**FOREST[1], "prompt": {**FOREST[1]["prompt"], "replies": [{"text": "?"}, None]}}
    headless = {"prompt": {"text": "no id", "replies": [node("x", "assistant")]}}
    path = write_jsonl(tmp_path / "in.jsonl", [FOREST[0], torn, headless, {"a": 1}])
    path.write_text(path.read_text() + "{torn\n")
    done = convert_trees(read_items(path), tmp_path / "out.messages.jsonl")
    assert (done.trees, done.messages) == (2, 8)
    assert done.damaged == {"invalid_json": 1, "missing_message_id": 3, "no_message": 2}
    assert done.damaged_path is not None
    lines = [json.loads(line) for line in done.damaged_path.read_text().splitlines()]
    assert [line["line"] for line in lines] == [2, 2, 3, 4, 5]
    assert lines[2]["record"] == headless


def test_a_name_that_tells_no_form_is_refused(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "forest.jsonl", FOREST)
    with pytest.raises(InputError, match=r"expected a name such as out\.messages\.jsonl"):
        convert_trees(read_items(source), tmp_path / "out.jsonl")
    failed = call_cli("trees", tmp_path / "none", "--out", tmp_path / "x.trees.jsonl", cwd=tmp_path)
    assert failed.code == 2
    assert failed.error_line.startswith("expected a file, found none")


def test_grown_trees_are_taken_from_rows_once(tmp_path: Path) -> None:
    about = [json.dumps({"tree": one}) for one in FOREST[:2]]
    told = pl.DataFrame(
        {"about": [about[0], None, about[1], about[0], "torn", '{"tree": 1}', "[]"]}
    )
    assert [item.value for item in grown_trees(told)] == FOREST[:2]
    assert list(grown_trees(pl.DataFrame({"id": ["a"]}))) == []
