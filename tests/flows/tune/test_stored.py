from pathlib import Path

import polars as pl
import pytest

from flows.tune.stored import read_stored, storing_command
from quality.filters import DEFAULT_FILTERS
from quality.scorers import add_scores
from schemas.errors import InputError
from tests.flows.tune.conftest import RULES, WriteVersion, sample_rows


def write_scores(path: Path, rows: pl.DataFrame, *names: str) -> Path:
    add_scores(rows, names or ("craft",)).select(
        "file", "row", "id", *names, "quality"
    ).write_parquet(path)
    return path


def test_a_version_holds_what_its_filters_saw(write_version: WriteVersion) -> None:
    rows = sample_rows()
    stored = read_stored([write_version(rows, duplicates=3)])
    assert sorted(stored.rows["id"]) == sorted(rows["id"][3:])
    assert stored.aside == 3
    assert stored.rules == RULES
    assert "quality" in stored.scores
    assert not {"row", "id", "output", "language"} & set(stored.scores)


def test_the_directory_of_a_dataset_is_its_newest_version(write_version: WriteVersion) -> None:
    folder = write_version(sample_rows())
    assert read_stored([folder.parent]).rows.equals(read_stored([folder]).rows)


@pytest.mark.parametrize(
    ("recipe", "notes", "wanted"),
    [
        ({"filters": []}, {}, []),
        ({"filters": None}, {}, DEFAULT_FILTERS),
        ({"filters": "auto", "labels": ["x.jsonl"]}, {"rules": [{"rule": "refusal"}]},
         [{"rule": "refusal"}]),
    ],
)  # fmt: skip
def test_rules_are_those_of_the_run(
    write_version: WriteVersion, recipe: dict, notes: dict, wanted: list
) -> None:
    assert read_stored([write_version(sample_rows(), recipe=recipe, notes=notes)]).rules == wanted


def test_a_score_file_is_held_against_the_default_filters(tmp_path: Path) -> None:
    stored = read_stored([write_scores(tmp_path / "s.parquet", sample_rows(), "refusal")])
    assert stored.rules == DEFAULT_FILTERS
    assert stored.scores == ["refusal", "quality"]
    assert stored.rows["source"].unique().to_list() == ["test.jsonl"]


def test_unreadable_rows_of_a_score_file_are_set_aside(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.parquet", sample_rows(5))
    scores = pl.read_parquet(path)
    nothing = scores.head(1).with_columns(pl.lit(None, dtype=pl.String).alias("id"))
    pl.concat([scores, nothing]).write_parquet(path)
    stored = read_stored([path])
    assert (stored.rows.height, stored.aside) == (5, 1)


def test_several_files_are_one_set_of_rows(tmp_path: Path, write_version: WriteVersion) -> None:
    version = write_version(sample_rows(), duplicates=0)
    scores = write_scores(tmp_path / "s.parquet", sample_rows(7))
    stored = read_stored([scores, version])
    assert stored.rows.height == 47
    assert stored.rules == RULES


def test_what_holds_no_scores_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels.jsonl").write_text("{}\n")
    pl.DataFrame({"id": ["a"], "output": ["b"]}).write_parquet(tmp_path / "rows.parquet")
    cases = {
        "nowhere.parquet": "got no file at",
        "empty": "got no manifest.json in",
        "labels.jsonl": "write one with `feingold score",
        "rows.parquet": "expected `id` and score columns, got ['id', 'output']",
    }
    for name, wanted in cases.items():
        with pytest.raises(InputError) as caught:
            read_stored([tmp_path / name])
        assert wanted in str(caught.value)
        assert "\n" not in str(caught.value)


def test_columns_have_a_command_that_stores_them() -> None:
    assert storing_command(["output", "craft"]) == "`feingold curate INPUT`"
    assert storing_command(["craft", "urls"]) == "`feingold score INPUT --scorers craft,urls`"
    assert storing_command(["judge"]) == "`feingold run RECIPE` with the stage that makes it"
