"""The files that `dedup` and `score` write."""

from pathlib import Path

import polars as pl
import pytest

from tests.support.cli import call_cli
from tests.support.recipes import good_records, write_jsonl

pytestmark = pytest.mark.usefixtures("prefect_api")
GOOD = good_records(6)


def dedup(base: Path, *inputs: str, method: str = "exact,lexical") -> dict[str, pl.DataFrame]:
    words = ["dedup", *inputs, "--method", method, "--out", "out", "--json"]
    call_cli(*words, cwd=base).succeed()
    return {path.stem: pl.read_parquet(path) for path in (base / "out").iterdir()}


def test_duplicates_are_found_across_files(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", GOOD[:3])
    write_jsonl(tmp_path / "b.jsonl", [GOOD[4], GOOD[1]])
    found = dedup(tmp_path, "b.jsonl", "a.jsonl")
    assert set(found) == {"kept", "dropped", "quarantined"}
    # Of equal rows the first by file and row stays, whatever the order of the arguments.
    assert found["kept"].select("file", "row").rows() == [
        ("a.jsonl", 0), ("a.jsonl", 1), ("a.jsonl", 2), ("b.jsonl", 0),
    ]  # fmt: skip
    line = found["dropped"].to_dicts()[0]
    wanted = {"file": "b.jsonl", "row": 1, "method": "exact", "matched_file": "a.jsonl",
              "matched_row": 1, "similarity": 1.0}  # fmt: skip
    assert {name: line[name] for name in wanted} == wanted
    assert line["matched_id"] == found["kept"]["id"][1]
    assert found["quarantined"].height == 0


@pytest.mark.slow
def test_the_order_of_files_changes_nothing_but_their_names(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", GOOD[:3])
    write_jsonl(tmp_path / "b.jsonl", GOOD[1:5])
    one, two = dedup(tmp_path, "a.jsonl", "b.jsonl"), dedup(tmp_path, "b.jsonl", "a.jsonl")
    for name in ("kept", "dropped"):
        assert one[name].equals(two[name])


def test_unreadable_records_are_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"instruction": "Name a river.", "output": "Rhine."}\n{\n')
    found = dedup(tmp_path, "a.jsonl")
    assert found["quarantined"].select("file", "row", "raw", "rule").rows() == [
        ("a.jsonl", 1, "{", "invalid_json")
    ]
    assert (found["kept"].height, found["dropped"].height) == (1, 0)


@pytest.mark.slow
def test_an_empty_file_has_no_duplicates(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [])
    found = dedup(tmp_path, "a.jsonl")
    assert [frame.height for frame in found.values()] == [0, 0, 0]
    wanted = {"file", "row", "id", "method", "matched_id", "matched_file", "matched_row"}
    assert wanted <= set(found["dropped"].columns)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "rows"), [("exact", [0]), ("lexical", [0, 1])])
def test_only_the_named_methods_run(tmp_path: Path, method: str, rows: list[int]) -> None:
    near = {**GOOD[1], "instruction": GOOD[1]["instruction"].replace(".", "!")}
    write_jsonl(tmp_path / "a.jsonl", [GOOD[0], GOOD[1]])
    write_jsonl(tmp_path / "b.jsonl", [GOOD[0], near])
    found = dedup(tmp_path, "a.jsonl", "b.jsonl", method=method)["dropped"]
    assert sorted(found["row"]) == rows
    assert set(found["method"]) == {method}


def score(base: Path, *inputs: str) -> pl.DataFrame:
    call_cli("score", *inputs, "--out", "s.parquet", "--json", cwd=base).succeed()
    return pl.read_parquet(base / "s.parquet")


@pytest.mark.slow
def test_scores_follow_the_arguments_and_the_lines(tmp_path: Path) -> None:
    for name in ("x", "m", "a"):
        write_jsonl(tmp_path / f"{name}.jsonl", [GOOD[0], GOOD[0], GOOD[1]])
    found = score(tmp_path, "x.jsonl", "[am].jsonl")
    assert found["file"].to_list() == ["x.jsonl"] * 3 + ["a.jsonl"] * 3 + ["m.jsonl"] * 3
    assert found["row"].to_list() == [0, 1, 2] * 3
    assert found["quality"].n_unique() == 2
    assert found["id"].n_unique() == 9


@pytest.mark.slow
def test_more_than_ten_files_keep_their_order(tmp_path: Path) -> None:
    names = [f"f{number}.jsonl" for number in range(12)]
    for name in names:
        write_jsonl(tmp_path / name, [GOOD[2]])
    assert score(tmp_path, *names)["file"].to_list() == names


@pytest.mark.slow
def test_a_file_of_damage_has_lines_without_scores(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{\n{\n")
    found = score(tmp_path, "a.jsonl")
    assert found.select("file", "row", "id", "quality").rows() == [
        ("a.jsonl", 0, None, None), ("a.jsonl", 1, None, None),
    ]  # fmt: skip


def test_default_names(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "My Data.jsonl", GOOD[:2])
    scored = call_cli("score", "My Data.jsonl", "--json", cwd=tmp_path).succeed().answer
    assert scored["path"] == "my-data-scores.parquet"
    assert pl.read_parquet(tmp_path / scored["path"]).height == 2
    words = ["dedup", "My Data.jsonl", "--method", "exact", "--json"]
    unique = call_cli(*words, cwd=tmp_path).succeed().answer
    assert unique["path"] == "published/my-data-dedup"
    assert pl.read_parquet(tmp_path / unique["path"] / "kept.parquet").height == 2
