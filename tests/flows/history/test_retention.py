"""`prune`: nothing goes unasked, and some versions do not go at all."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.commands import prune
from flows.owners import Owner
from flows.store import hash_file
from schemas.errors import InputError, RunError
from tests.support.recipes import read_tree


def call(base: Path, path: str | None = "set", **flags: Any) -> dict[str, Any]:
    options = {"keep": None, "pushed": False, "stages": False, "yes": False, "json": True, **flags}
    return prune.run(
        argparse.Namespace(
            path=None if path is None else Path(path), out=base / "published", home=base / "home",
            **options,
        )
    )  # fmt: skip


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def test_without_yes_it_only_lists(copied: Path) -> None:
    before = read_tree(copied)
    answer = call(copied, keep=1, stages=True)
    assert names(answer["doomed"])[:2] == ["set 1.0.0", "set 2.0.0"]
    assert (answer["deleted"], answer["freed_bytes"]) == (False, 0)
    assert answer["bytes"] >= sum(
        len(data) for name, data in before.items() if name.startswith("published/set/1.0.0")
    )
    assert read_tree(copied) == before


def test_with_yes_the_oldest_go(copied: Path) -> None:
    answer = call(copied, keep=2, yes=True)
    assert names(answer["doomed"]) == ["set 1.0.0"]
    assert answer["freed_bytes"] == answer["bytes"] > 0
    assert sorted(path.name for path in (copied / "published/set").iterdir()) == ["2.0.0", "2.1.0"]
    again = call(copied, keep=2, yes=True)
    assert (again["doomed"], again["freed_bytes"]) == ([], 0)


def test_a_version_that_a_recipe_names_stays(copied: Path) -> None:
    other = copied / "published/other/1.0.0"
    shutil.copytree(copied / "published/set/2.1.0", other)
    recipe = {"name": "other", "dedup": {"against": ["../published/set/1.0.0/"]}}
    (other / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    answer = call(copied, keep=1, yes=True)
    assert names(answer["doomed"]) == ["set 2.0.0"]
    reasons = {item["name"]: item["reason"] for item in answer["kept"]}
    assert reasons["set 1.0.0"] == "other 1.0.0 is deduplicated against it"


def test_a_version_that_was_pushed_stays_unless_asked(copied: Path) -> None:
    digest = hash_file(copied / "published/set/1.0.0/manifest.json")
    record = {"tag": "v1.0.0", "commit": "c", "manifest_sha256": digest, "is_checked": True}
    path = copied / "home/hub/me--set.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"place": "x", "versions": {"1.0.0": record}}))
    assert names(call(copied, keep=1)["doomed"]) == ["set 2.0.0"]
    assert names(call(copied, keep=1, pushed=True)["doomed"]) == ["set 1.0.0", "set 2.0.0"]
    path.write_text("{")
    with pytest.raises(InputError, match="expected the record of earlier pushes"):
        call(copied, keep=1)


def test_stages_of_other_code_go_and_those_of_this_code_stay(copied: Path) -> None:
    stage = min((copied / "home/stages/signals").iterdir())
    text = (stage / "manifest.json").read_text()
    manifest = json.loads(text) | {"code_version": "0" * 16}
    (stage / "manifest.json").write_text(json.dumps(manifest))
    (copied / "home/past/key").mkdir(parents=True)
    (copied / "home/past/key/a.parquet").write_bytes(b"12345")
    answer = call(copied, path=None, stages=True, yes=True)
    assert names(answer["doomed"]) == [f"stage signals/{stage.name}", "past of the home"]
    assert not stage.exists()
    assert not (copied / "home/past").exists()
    assert len(names(answer["kept"])) > 5
    assert (copied / "home/stages/signals").is_dir()


def test_nothing_goes_while_somebody_works(copied: Path) -> None:
    with Owner(copied / "home"), pytest.raises(RunError, match="expected nobody else to use"):
        call(copied, keep=1, yes=True)
    assert (copied / "published/set/1.0.0").is_dir()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ({"path": None}, "expected a dataset or --stages, got neither"),
        ({"path": None, "keep": 2}, "expected a dataset with --keep, got none"),
        ({"path": None, "pushed": True, "stages": True}, "expected a dataset with --keep"),
        ({}, "expected how many versions stay, got no --keep"),
        ({"path": "nowhere", "keep": 1}, "expected the directory of a dataset with its versions"),
    ],
)
def test_what_is_not_said_is_asked_for(copied: Path, flags: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        call(copied, **flags)
