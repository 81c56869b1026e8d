"""`diff`: what a version added, lost, changed and moved, and the changelog that says the same."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.history.comparison import compare_versions
from flows.history.snapshot import read_snapshot
from flows.history.telling import tell_changes, tell_rows
from flows.versions import open_version
from tests.flows.history.conftest import CHANGED, GOOD, LONG
from tests.support.versions import edit_manifest, publish


def compare(old: Path, new: Path) -> dict[str, Any]:
    return compare_versions(read_snapshot(open_version(old)), read_snapshot(open_version(new)))


@pytest.fixture(scope="module")
def found(three: Path) -> dict[str, Any]:
    return compare(three / "published/set/1.0.0", three / "published/set/2.0.0")


def test_rows_are_told_with_their_reasons(found: dict[str, Any]) -> None:
    assert [row["instruction"] for row in found["changed"]] == [CHANGED["instruction"]]
    removed = {row["instruction"]: row for row in found["removed"]}
    assert removed.keys() == {LONG["instruction"], GOOD[0]["instruction"]}
    long = removed[LONG["instruction"]]
    assert (long["stage"], long["rule"], long["threshold"]) == ("filter", "max_words", 55.0)
    assert long["value"] == len(LONG["output"].split())
    assert removed[GOOD[0]["instruction"]]["rule"] == "no longer among the sources"
    assert found["added"] == []
    assert found["unchanged"] == 38


def test_moves_counts_and_recipe(found: dict[str, Any]) -> None:
    assert {row["new"] for row in found["moved"]} == {"test", "validation"}
    assert (
        len(found["moved"])
        == found["new"]["splits"]["test"] + (found["new"]["splits"]["validation"])
    )
    assert {"name": "max_words", "old": 0, "new": 1, "difference": 1} in found["rules"]
    assert found["sources"] == [{"name": "rows.jsonl", "old": 41, "new": 39, "difference": -2}]
    fields = {change["field"]: (change["old"], change["new"]) for change in found["recipe"]}
    assert fields["splits.test"] == ("-", "0.1")
    assert fields["filters[0].value"] == ("500", "55")
    assert (found["same_code"], found["same_recipe"]) == (True, False)


def test_scores_that_moved(found: dict[str, Any]) -> None:
    shifts = {shift["column"]: shift for shift in found["scores"]}
    words = shifts["output_words"]
    assert words["old"]["rows"] == 41
    assert words["new"]["mean"] < words["old"]["mean"]
    assert 0 < words["distance"] < 0.2
    assert words["difference"] == pytest.approx(words["new"]["mean"] - words["old"]["mean"])


def test_the_changelog_says_what_diff_says(three: Path, found: dict[str, Any]) -> None:
    folder, manifest = open_version(three / "published/set/2.0.0")
    entries = manifest.notes["changes"]
    assert [(entry["version"], entry["parent"]) for entry in entries] == [
        ("2.0.0", "1.0.0"), ("1.0.0", None),
    ]  # fmt: skip
    assert entries[0]["lines"] == tell_changes(found)
    card = (folder / "README.md").read_text(encoding="utf-8")
    section = card.split("## Changelog")[1]
    assert section.index("### 2.0.0") < section.index("### 1.0.0")
    assert "- taken by max_words: 0 -> 1 (+1)" in section
    assert "- first version: 41 rows of 1 source\n" in section


def test_no_word_of_a_row_gets_into_the_changelog(found: dict[str, Any]) -> None:
    text = "\n".join(tell_changes(found))
    for row in [*found["removed"], *found["changed"], *found["moved"]]:
        assert row["instruction"] not in text


def test_later_versions_copy_the_entries_of_their_parent(three: Path) -> None:
    newest = open_version(three / "published/set")
    assert [entry["version"] for entry in newest.manifest.notes["changes"]] == [
        "2.1.0", "2.0.0", "1.0.0",
    ]  # fmt: skip
    answer = compare(three / "published/set/2.0.0", newest.folder)
    assert len(answer["added"]) == 20
    assert (answer["removed"], answer["moved"], answer["changed"]) == ([], [], [])


def test_at_most_forty_lines_whatever_changed(found: dict[str, Any]) -> None:
    many = {
        **found,
        "rules": [{"name": f"r{n}", "old": 0, "new": 1, "difference": 1} for n in range(50)],
        "sources": [{"name": f"s{n}", "old": 0, "new": 1, "difference": 1} for n in range(50)],
        "scores": [{**found["scores"][0], "distance": 0.5} for _ in range(50)],
        "recipe": [{"field": f"f{n}", "old": "1", "new": "2"} for n in range(50)],
        "licenses": [{"field": f"l{n}", "old": "1", "new": "2"} for n in range(50)],
        "teachers": {"old": [], "new": ["t"]},
        "same_code": False,
        "edited": {"rows": 9, "columns": {f"c{n}": 1 for n in range(30)}, "first": []},
        "added": [{"id": "i" * 32, "source": "s", "instruction": "x" * 999}] * 50,
        "removed": found["removed"] * 30, "changed": found["changed"] * 30,
        "moved": found["moved"] * 30,
    }  # fmt: skip
    lines = [*tell_changes(many), *tell_rows(many)]
    assert len(lines) + 1 <= 40
    assert max(map(len, lines)) < 250


def test_hostile_names_and_texts_are_one_plain_line(found: dict[str, Any]) -> None:
    evil = "\x1b[2J\u202eevil\n# Heading"
    many = {
        **found,
        "sources": [{"name": evil, "old": 0, "new": 1, "difference": 1}],
        "removed": [{**found["removed"][0], "instruction": evil, "rule": evil}],
    }
    for line in [*tell_changes(many), *tell_rows(many)]:
        assert line.isprintable()


# Versions of earlier and later releases


def make_early(version: Path) -> None:
    """Take away what the first release did not write."""
    for folder in ("signatures", "twins"):
        shutil.rmtree(version / folder, ignore_errors=True)
    data = next((version / "data/default").glob("*.parquet"))
    pl.read_parquet(data).drop("system", "parents", "output_words").write_parquet(data)
    ledger = next((version / "decisions").glob("*.parquet"))
    pl.read_parquet(ledger).drop("evidence", "similarity").write_parquet(ledger)
    path = version / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("teachers", "format"):
        del manifest[name]
    manifest["notes"] = {"description": ""}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("old_first", [True, False])
def test_versions_of_an_early_release(copied: Path, old_first: bool) -> None:
    early, late = copied / "published/set/1.0.0", copied / "published/set/2.0.0"
    make_early(early)
    answer = compare(early, late) if old_first else compare(late, early)
    assert answer["unchanged"] == 38
    assert len(answer["changed"]) + len(answer["removed"]) == (3 if old_first else 1)
    assert "output_words" not in {shift["column"] for shift in answer["scores"]}
    assert tell_changes(answer)[0].startswith("39 rows after 41" if old_first else "41 rows")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", ": : :\n", "\x00"])
def test_a_recipe_that_is_none(copied: Path, text: str) -> None:
    (copied / "published/set/1.0.0/recipe.yaml").write_text(text)
    answer = compare(copied / "published/set/1.0.0", copied / "published/set/2.0.0")
    assert len(answer["recipe"]) > 5
    assert all(change["old"] == "-" for change in answer["recipe"])
    (copied / "published/set/1.0.0/recipe.yaml").unlink()
    compare(copied / "published/set/1.0.0", copied / "published/set/2.0.0")


@pytest.mark.slow
def test_a_damaged_parent_does_not_keep_a_version_from_going_out(copied: Path) -> None:
    home = copied / "published/set/2.1.0/data/default"
    for file in home.glob("train-*"):
        ids = pl.read_parquet(file, columns=["id"])
        ids.write_parquet(file)
    edit_manifest(copied / "published/set/2.1.0", content_sha256="0" * 64)
    made = publish(copied, GOOD[:30])
    assert open_version(made).manifest.notes["changes"][0]["lines"]


@pytest.mark.slow
def test_names_of_files_cannot_break_the_card(tmp_path: Path) -> None:
    name = "a`b*[c](d)<e>.jsonl"
    rows = tmp_path / name
    rows.write_text("".join(json.dumps(record) + "\n" for record in GOOD[:5]))
    publish(tmp_path, GOOD[:5])
    made = publish(tmp_path, [], sources=[{"path": name}])
    section = (made / "README.md").read_text().split("## Changelog")[1]
    assert r"kept of a\`b\*\[c\](d)\<e>.jsonl: 0 -> 5 (+5)" in section


def test_the_rules_of_one_night_are_compared_to_nothing(three: Path) -> None:
    sides = [
        read_snapshot(open_version(three / "published/set" / number))
        for number in ("1.0.0", "2.0.0")
    ]
    night = sides[1].manifest.model_copy(update={"notes": {"refresh": {"mode": "add"}}})
    assert compare_versions(*sides)["rules"] != []
    assert compare_versions(sides[0], replace(sides[1], manifest=night))["rules"] == []
