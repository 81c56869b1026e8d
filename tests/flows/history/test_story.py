"""`explain`: the whole story of a row, over all versions of its dataset."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.history.story import tell_story
from flows.history.story_text import describe_story
from flows.journal import Journal, JournalEntry
from flows.versions import open_version, read_data, read_rejects
from schemas.errors import InputError
from tests.flows.history.conftest import CHANGED, GOOD, LONG
from tests.flows.history.test_diff import make_early
from tests.support.versions import publish


def row_of(version: Path, record: dict[str, str]) -> str:
    both = pl.concat([read_data(version), read_rejects(version)], how="diagonal_relaxed")
    return str(both.filter(instruction=record["instruction"], output=record["output"])["id"][0])


def tell(version: Path, record: dict[str, str], home: Path | None = None) -> dict[str, Any]:
    row_id = row_of(version, record)
    return tell_story(open_version(version), row_id, home=home or Path("no-home"))


def test_a_row_that_came_and_went(three: Path) -> None:
    found = tell(three / "published/set/1.0.0", LONG, three / "home")
    assert (found["action"], found["version"]) == ("keep", "1.0.0")
    assert found["origin"]["file"] == "rows.jsonl"
    assert found["origin"]["row"] in (39, 40)  # where it is in the file of the next version
    assert found["origin"]["license"] == "MIT"
    assert [(entry["version"], entry["state"]) for entry in found["history"]] == [
        ("1.0.0", "in"), ("2.0.0", "out"), ("2.1.0", "out"),
    ]  # fmt: skip
    assert found["history"][1]["rule"] == "max_words"
    text = describe_story(found)
    assert "version  1.0.0: in\n" in text
    assert text.endswith("version  2.0.0 to 2.1.0: out, filter/max_words")
    assert f"from     rows.jsonl, row {found['origin']['row']}, licence MIT" in text
    assert text.splitlines()[0].endswith("was kept at stage publish by rule kept of 1.0.0")


def test_a_row_that_is_gone_is_found_in_an_older_version(three: Path) -> None:
    row_id = row_of(three / "published/set/1.0.0", GOOD[0])
    found = tell_story(open_version(three / "published/set"), row_id[:14], home=three / "home")
    assert (found["version"], found["id"]) == ("1.0.0", row_id)
    assert [entry["state"] for entry in found["history"]] == ["in", "absent", "absent"]
    with pytest.raises(InputError, match="expected one row whose id begins with 'zz', got none"):
        tell_story(open_version(three / "published/set"), "zz", home=three / "home")


def test_another_answer_to_the_same_prompt_is_told(three: Path) -> None:
    found = tell(three / "published/set/2.1.0", CHANGED)
    (other,) = found["answers"]
    assert (other["output"], other["versions"]) == (GOOD[5]["output"], ["1.0.0"])
    assert "another answer" in describe_story(found)
    assert tell(three / "published/set/2.1.0", GOOD[7])["answers"] == []


def test_the_split_is_told(three: Path) -> None:
    version = three / "published/set/2.0.0"
    held = pl.read_parquet(version / "data/default/test-*.parquet")["id"][0]
    found = tell_story(open_version(version), held, home=three)
    assert (found["split"], found["history"][1]["split"]) == ("test", "test")
    assert describe_story(found).splitlines()[0].endswith("in split test of 2.0.0")


def test_every_score_beside_the_threshold_of_each_rule(three: Path) -> None:
    dropped = tell(three / "published/set/2.0.0", LONG)
    by_name = {score["name"]: score for score in dropped["scores"]}
    (rule,) = by_name["output"]["rules"]
    assert rule == {"rule": "max_words", "threshold": 55.0, "verdict": "drop"}
    assert by_name["output"]["value"] == 64.0
    assert by_name["quality"]["value"] is not None
    kept = tell(three / "published/set/2.0.0", GOOD[7])
    (passed,) = next(s["rules"] for s in kept["scores"] if s["name"] == "output")
    assert (passed["verdict"], passed["threshold"]) == ("pass", 55.0)


def test_duplicates_in_both_directions(tmp_path: Path) -> None:
    version = publish(tmp_path, [*GOOD[:5], GOOD[0]])
    kept = tell(version, GOOD[0])
    (other,) = kept["duplicates"]
    assert (other["fate"], other["rule"], other["similarity"]) == ("gave way", "exact_duplicate", 1)
    assert other["instruction"] == GOOD[0]["instruction"]
    gone = tell_story(open_version(version), other["id"], home=tmp_path)
    assert [(item["id"], item["fate"]) for item in gone["duplicates"]] == [
        (kept["id"], "stays instead")
    ]
    by_name = {score["name"]: score for score in gone["scores"]}
    assert by_name["refusal"]["rules"][0]["verdict"] is None  # no filter saw it


def test_parents_and_seeds_are_told_with_their_text(three: Path, tmp_path: Path) -> None:
    version = tmp_path / "set/1.0.0"
    shutil.copytree(three / "published/set/1.0.0", version)
    parent = row_of(version, GOOD[1])
    for file in (version / "data/default").glob("*"):
        rows = pl.read_parquet(file)
        parents = [[parent, "nobody"]] * rows.height
        rows.with_columns(parents=pl.Series(parents)).write_parquet(file)
    found = tell(version, GOOD[7])
    assert [item.get("instruction") for item in found["parents"]] == [GOOD[1]["instruction"], None]
    assert "parent   nobody" in describe_story(found)


def test_the_request_behind_a_row(three: Path, tmp_path: Path) -> None:
    version = tmp_path / "set/1.0.0"
    shutil.copytree(three / "published/set/1.0.0", version)
    for file in (version / "data/default").glob("*"):
        pl.read_parquet(file).with_columns(request_key=pl.lit("k" * 64)).write_parquet(file)
    home = tmp_path / "home"
    assert tell(version, GOOD[7], home)["request"] == {"key": "k" * 64}
    assert not home.exists()
    body = '{"choices": [{"message": {"content": "It is \\u202eso."}, "finish_reason": "stop"}]}'
    request = '{"messages": [{"role": "user", "content": "Is it so?"}]}'
    with Journal(home) as journal:
        journal.put(
            JournalEntry("k" * 64, "http://x", "chat/completions", "m", 0, request, 200, body,
                         3, 4, 0.25, 1.0, "set")
        )  # fmt: skip
    found = tell(version, GOOD[7], home)
    request_found = found["request"]
    assert (request_found["prompt"], request_found["reply"]) == (
        "[user] Is it so?", "It is \u202eso.",
    )  # fmt: skip
    assert (request_found["cost_usd"], request_found["tokens"]["completion"]) == (0.25, 4)
    text = describe_story(found)
    assert "US$ 0.250000" in text
    assert "\u202e" not in text


def test_a_version_of_an_early_release_and_one_without_its_ledger(copied: Path) -> None:
    early = copied / "published/set/1.0.0"
    row_id = row_of(early, GOOD[7])
    make_early(early)
    found = tell_story(open_version(early), row_id, home=copied)
    assert found["action"] == "keep"
    describe_story(found)
    for name in ("decisions", "rejects"):
        shutil.rmtree(early / name)
    alone = tell_story(open_version(early), row_id, home=copied)
    assert (alone["action"], alone["decisions"]) == ("keep", [])
    describe_story(alone)
