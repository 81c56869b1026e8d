"""Splits of published versions: files, stability, and readers that know nothing of them."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from flows.dedup.past import open_past
from flows.versions import list_versions, open_version, read_data, scan_rows
from schemas.recipe import DedupOptions
from tests.flows.history.conftest import GOOD, SPLITS
from tests.support.recipes import read_tree
from tests.support.versions import publish, publish_run


def splits(version: Path) -> dict[str, str]:
    return dict(scan_rows(version).select("id", "split").collect().iter_rows())


def test_each_split_is_a_file_in_each_config(three: Path) -> None:
    version = three / "published/set/2.0.0"
    files = {path.relative_to(version / "data").as_posix() for path in version.rglob("data/*/*")}
    assert files == {
        f"{config}/{split}-00000-of-00001.parquet"
        for config in ("default", "alpaca")
        for split in ("train", "validation", "test")
    }
    note = open_version(version).manifest.notes["splits"]
    assert note["rows"]["default"] == {"train": 31, "validation": 4, "test": 4}
    header = yaml.safe_load((version / "README.md").read_text().split("---\n")[1])
    assert [
        (config["config_name"], [file["split"] for file in config["data_files"]])
        for config in header["configs"]
    ] == [(name, ["train", "validation", "test"]) for name in ("default", "alpaca")]


def test_what_is_held_back_is_no_example_on_the_card(three: Path) -> None:
    version = three / "published/set/2.0.0"
    held = pl.read_parquet([*version.glob("data/default/test-*"), *version.glob(
        "data/default/validation-*")])  # fmt: skip
    examples = (version / "README.md").read_text().split("## Examples")[1].split("## Loading")[0]
    assert [text for text in held["instruction"] if text in examples] == []


def test_a_row_keeps_its_split_in_later_versions(three: Path) -> None:
    before, after = (splits(three / "published/set" / number) for number in ("2.0.0", "2.1.0"))
    assert {name: after[name] for name in before} == before
    assert sum(split == "test" for split in after.values()) == 6


@pytest.mark.slow
def test_a_row_that_was_away_comes_back_to_its_split(tmp_path: Path) -> None:
    asked = {"splits": {"test": 0.2}}
    first = splits(publish(tmp_path, GOOD[:20], **asked))
    rows = read_data(tmp_path / "published/set/1.0.0")
    held = {name for name, split in first.items() if split == "test"}
    gone = set(rows.filter(pl.col("id").is_in(held))["instruction"])
    publish(tmp_path, [row for row in GOOD[:20] if row["instruction"] not in gone], **asked)
    again = splits(publish(tmp_path, GOOD[:20], **asked))
    assert {name for name in held if again[name] == "test"} == held


@pytest.mark.slow
def test_the_same_rows_and_splits_are_no_new_version_whatever_their_order(tmp_path: Path) -> None:
    first = publish_run(tmp_path, GOOD[:20], splits=SPLITS)
    assert first.is_new
    again = publish_run(tmp_path, GOOD[19::-1], splits=SPLITS)
    assert (again.is_new, again.version) == (False, "1.0.0")
    elsewhere = publish_run(tmp_path / "other", GOOD[19::-1], splits=SPLITS)
    assert splits(Path(elsewhere.path)) == splits(Path(first.path))


@pytest.mark.slow
def test_leaving_splits_out_again_is_a_version_of_its_own(tmp_path: Path) -> None:
    publish(tmp_path, GOOD[:20], splits=SPLITS)
    made = publish_run(tmp_path, GOOD[:20])
    assert (made.is_new, made.version) == (True, "2.0.0")
    assert set(splits(Path(made.path)).values()) == {"train"}
    assert not publish_run(tmp_path, GOOD[:20]).is_new


def test_signatures_are_in_the_order_of_the_files(three: Path, tmp_path: Path) -> None:
    version = three / "published/set/2.1.0"
    past = open_past([version], DedupOptions(), tmp_path)
    places = past.places(pl.Series(range(59)).to_numpy())  # raises where the orders differ
    rows = read_data(version)
    signed = pl.read_parquet(version / "signatures/*.parquet")
    assert signed["id"].to_list() == rows["id"].to_list()
    assert places["matched_row"].to_list() == list(range(59))


def test_the_version_before_is_not_touched(copied: Path) -> None:
    before = read_tree(copied / "published")
    publish(copied, GOOD[:10], splits=SPLITS)
    after = read_tree(copied / "published")
    assert {name: after[name] for name in before} == before
    assert len(list_versions(copied / "published/set")) == 4


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_rows_leave_some_to_train(tmp_path: Path, rows: int) -> None:
    found = splits(publish(tmp_path, GOOD[:rows], splits=SPLITS))
    assert "train" in found.values()
