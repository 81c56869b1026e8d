import argparse
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.commands.tune import run
from flows.tune.table import THRESHOLDS
from quality.scorers import SCORERS
from quality.tuning.rules import find_dropped
from schemas.errors import InputError
from schemas.frames import check_frame
from tests.flows.tune.conftest import WriteVersion, sample_rows
from tests.support.recipes import write_jsonl


def ask(*paths: Path, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "paths": list(paths), "column": None, "labels": [], "precision": 0.9, "thresholds": None,
        "out": None, "json": True,
    }  # fmt: skip
    found = run(argparse.Namespace(**{**fields, **more}))
    assert json.loads(json.dumps(found, allow_nan=False))
    return found


def label(path: Path, rows: pl.DataFrame, **more: Any) -> Path:
    """Tasks that need tools are bad."""
    return write_jsonl(
        path,
        [
            {**{name: row[name] for name in ("instruction", "input", "output")},
             "label": "bad" if row["instruction"].startswith("Draw") else "good", **more}
            for row in rows.iter_rows(named=True)
        ],
    )  # fmt: skip


@pytest.fixture
def version(write_version: WriteVersion) -> Path:
    return write_version(sample_rows(), duplicates=0)


def by_name(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(column for column in found["columns"] if column["name"] == name)


def test_a_version_tells_what_its_rules_take(version: Path) -> None:
    found = ask(version)
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert found["rows"] == 40
    assert (rules["needs_tools"]["dropped"], rules["empty_output"]["dropped"]) == (10, 4)
    assert (
        found["dropped"] == 14 - sum(rule["dropped"] - rule["alone"] for rule in found["rules"]) / 2
    )
    assert by_name(found, "needs_tools")["tables"][0]["thresholds"][0]["is_current"]
    assert found["labels"] == []
    assert found["proposal"] is None


def test_thresholds_of_all_sources_add_up(version: Path) -> None:
    for column in ask(version)["columns"]:
        for table in column["tables"]:
            for at in table["thresholds"]:
                assert sum(at["by_source"].values()) == at["dropped"]
                assert at["more"] <= at["dropped"] <= 40


def test_no_scorer_is_run(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(rows: pl.DataFrame) -> pl.Series:
        raise AssertionError(rows.height)

    for name in SCORERS:
        monkeypatch.setitem(SCORERS, name, refuse)
    assert ask(version)["rows"] == 40
    with pytest.raises(AssertionError):
        SCORERS["craft"](pl.DataFrame())


def test_the_same_whatever_the_order_of_the_rows(write_version: WriteVersion) -> None:
    rows = sample_rows()
    one = write_version(rows, duplicates=0, name="one")
    two = write_version(rows.reverse(), duplicates=0, name="two")
    found, other = ask(one), ask(two)
    assert {**found, "paths": []} == {**other, "paths": []}


def test_a_missing_score_names_the_command_that_stores_it(write_version: WriteVersion) -> None:
    folder = write_version(sample_rows(), scorers=["needs_tools"], rules=[{"rule": "needs_tools"}])
    with pytest.raises(InputError, match="`feingold score INPUT --scorers craft` stores it"):
        ask(folder, column="craft")
    with pytest.raises(InputError, match="did you mean 'needs_tools'"):
        ask(folder, column="need_tools")


def test_rules_whose_columns_are_not_stored_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = (
        sample_rows().select("file", "row", "id").with_columns(quality=pl.lit(0.5), refusal=0.0)
    )
    scores.write_parquet(tmp_path / "s.parquet")
    found = ask(tmp_path / "s.parquet")
    told = {rule["rule"]: rule for rule in found["not_stored"]}
    assert told["empty_output"]["columns"] == ["output"]
    assert told["needs_tools"]["columns"] == ["needs_tools"]
    assert told["needs_tools"]["stored_by"] == "`feingold curate INPUT`"
    assert [rule["rule"] for rule in found["rules"]] == ["refusal"]
    assert "cannot tell from what is stored" in capsys.readouterr().err


def test_one_column_shows_rows_on_both_sides_of_the_threshold(version: Path) -> None:
    found = ask(version, column="quality", thresholds="0.5,0.6")
    (column,) = found["columns"]
    (table,) = column["tables"]
    assert [at["threshold"] for at in table["thresholds"]] == [0.5, 0.6]
    for example in table["examples"]:
        assert (example["value"] < example["threshold"]) == example["is_dropped"]
        assert "\n" not in example["text"]
    assert {example["is_dropped"] for example in table["examples"]} == {True, False}


def test_labels_tell_the_precision_of_rules(version: Path, tmp_path: Path) -> None:
    found = ask(version, labels=[str(label(tmp_path / "l.jsonl", sample_rows()))])
    (file,) = found["labels"]
    assert (file["rows"], file["bad"], file["joined"]) == (40, 10, 40)
    rules = {rule["rule"]: rule["labels"] for rule in found["rules"]}
    assert rules["needs_tools"]["precision"]["value"] == 1.0
    assert rules["needs_tools"]["recall"]["value"] == 1.0
    assert rules["empty_output"]["precision"]["value"] == 0.0
    assert found["proposal"]["message"].startswith("too few labels")


def test_labelled_rows_that_are_not_stored_are_scored_now(version: Path, tmp_path: Path) -> None:
    more = sample_rows(60).tail(20)
    found = ask(version, labels=[str(label(tmp_path / "l.jsonl", more))])
    assert found["labels"][0]["joined"] == 0
    rules = {rule["rule"]: rule["labels"] for rule in found["rules"]}
    assert rules["needs_tools"]["recall"]["value"] == 1.0


def test_stored_scores_of_labelled_rows_count(write_version: WriteVersion, tmp_path: Path) -> None:
    rows = sample_rows().with_columns(judge=pl.int_range(40).cast(pl.Float64) / 40)
    copies = rows.with_columns(pl.format("{}-1", "id").alias("id"))
    folder = write_version(copies, duplicates=0)
    labels = label(tmp_path / "l.jsonl", rows)
    found = ask(folder, column="judge", thresholds="0.5", labels=[str(labels)])
    lower = found["columns"][0]["tables"][0]["thresholds"][0]
    assert found["labels"][0]["joined"] == 40
    assert lower["labels"]["precision"]["of"] == lower["dropped"] == 20


def test_enough_labels_propose_filters(write_version: WriteVersion, tmp_path: Path) -> None:
    rows = sample_rows(400)
    folder = write_version(rows, duplicates=0)
    found = ask(folder, labels=[str(label(tmp_path / "l.jsonl", rows))], precision=0.8)
    proposed = found["proposal"]["filters"]
    assert {"rule": "needs_tools", "column": "instruction"} in proposed
    assert found["proposal"]["message"] is None
    gone = find_dropped(pl.read_parquet(folder / "data/default/*.parquet"), proposed)
    assert not gone.any()


def test_pairs_tell_a_direction_and_propose_nothing(version: Path, tmp_path: Path) -> None:
    pairs = [
        {"prompt": f"Say {n}.", "chosen": f"I say {n}, because you asked.", "rejected": ""}
        for n in range(6)
    ]
    labels = write_jsonl(tmp_path / "pairs.jsonl", pairs)
    found = ask(version, labels=[str(labels)])
    assert found["proposal"] is None
    assert found["labels"][0]["bad"] is None
    (direction,) = by_name(found, "quality")["pairs"]
    assert (direction["found"], direction["of"]) == (6, 6)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_table_holds_every_threshold(version: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"table.{ending}"
    labels = label(tmp_path / "l.jsonl", sample_rows())
    found = ask(version, out=out, labels=[str(labels)])
    table = pl.read_parquet(out) if ending == "parquet" else pl.read_csv(out)
    thresholds = [
        at for column in found["columns"] for t in column["tables"] for at in t["thresholds"]
    ]
    assert table.height == len(thresholds)
    assert table["dropped"].to_list() == [at["dropped"] for at in thresholds]
    if ending == "parquet":
        check_frame(table, THRESHOLDS, where="the test")
    assert table["labelled_dropped"].null_count() == 0


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ({"thresholds": "0.5"}, "expected --column with --thresholds"),
        ({"column": "quality", "thresholds": "x"}, "expected --thresholds with numbers, got 'x'"),
        ({"column": "quality", "thresholds": "nan"}, "expected --thresholds with numbers"),
        ({"column": "quality", "thresholds": ","}, "expected --thresholds with numbers"),
        (
            {"column": "quality", "thresholds": "5"},
            "expected --thresholds that min_quality can take",
        ),
        ({"column": "needs_tools", "thresholds": "1"}, "that needs_tools can take, got 1"),
        ({"precision": 1.5}, "expected --precision from 0 to 1, got 1.5"),
        ({"precision": float("nan")}, "expected --precision from 0 to 1"),
        ({"out": Path("table.xlsx")}, "expected --out FILE.parquet or FILE.csv"),
        ({"labels": ["nowhere.jsonl"]}, "no such file"),
    ],
)
def test_wrong_flags_are_told_in_one_line(
    version: Path, flags: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(InputError) as caught:
        ask(version, **flags)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_summary_fits_a_screen(
    write_version: WriteVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = sample_rows(400)
    labels = label(tmp_path / "l.jsonl", rows)
    ask(write_version(rows, duplicates=0), labels=[str(labels)], precision=0.8)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) <= 45
    assert "400 rows reached the filters" in lines[0]
    assert any(line.startswith("needs_tools") for line in lines)
    assert any(line.startswith("quality ") for line in lines)
    assert '{"rule": "needs_tools", "column": "instruction"}' in shown.err


def test_texts_reach_the_terminal_harmless(
    write_version: WriteVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = sample_rows().with_columns(
        pl.format("\x1b[31m{}\nnext\x07", "instruction").alias("instruction")
    )
    folder = write_version(rows, duplicates=0)
    ask(folder, column="quality", thresholds="0.6")
    assert not {"\x1b", "\x07"} & set(capsys.readouterr().err)
