import csv
import json
from pathlib import Path

import polars as pl
import pytest

from flows import disk
from flows.export import export_rows
from flows.ingest import read_source
from quality.formats import FORMATS
from schemas.errors import InputError, RunError

RECORDS = [
    {"instruction": "Grüß", "input": 'say "hi"\nnow', "output": "ä\u2028b"},
    {"instruction": "Add, please", "input": "", "output": ""},
    {"system": "Brief.", "prompt": "6 x 7?", "completion": "42"},
    {
        "messages": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"},
        ]
    },
]  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> pl.DataFrame:
    path = tmp_path / "source.jsonl"
    path.write_text("\n".join(map(json.dumps, RECORDS)), encoding="utf-8")
    return read_source(path, name="test").rows


def test_alpaca_is_written_as_stanford_wrote_it(rows: pl.DataFrame, tmp_path: Path) -> None:
    exported = export_rows(rows, "alpaca", tmp_path / "out.json")
    assert exported.written == 2
    assert exported.left_out == {"multi_turn": 1, "system_turn": 1}
    assert exported.path.read_bytes().decode() == (
        "[\n"
        ' {\n  "instruction": "Grüß",\n  "input": "say \\"hi\\"\\nnow",\n'
        '  "output": "ä\u2028b"\n },\n'
        ' {\n  "instruction": "Add, please",\n  "input": "",\n  "output": ""\n }\n'
        "]"
    )


@pytest.mark.parametrize(
    ("format_name", "last"),
    [
        (
            "sharegpt",
            {
                "conversations": [
                    {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"},
                    {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"},
                ]
            },
        ),
        ("messages", RECORDS[-1]),
        ("openai", RECORDS[-1]),
        ("prompt_completion", {"prompt": "Add, please", "completion": ""}),
    ],
)  # fmt: skip
def test_other_formats_are_lines(
    rows: pl.DataFrame, tmp_path: Path, format_name: str, last: dict[str, object]
) -> None:
    exported = export_rows(rows, format_name, tmp_path / "out")
    lines = exported.path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert len(lines) == exported.written
    record = json.loads(lines[-1])
    record.pop("id", None)
    assert record == last


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet", ".csv", ".tsv", ".PARQUET", ""])
@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "prompts"])
def test_every_file_is_read_back(
    rows: pl.DataFrame, tmp_path: Path, format_name: str, suffix: str
) -> None:
    out = tmp_path / "new" / f"out{suffix}"
    if format_name == "oasst" and suffix.lower() in (".parquet", ".csv", ".tsv"):
        with pytest.raises(InputError, match=r"expected a \.jsonl or \.json file for oasst"):
            export_rows(rows, format_name, out)
        return
    if format_name == "oasst":
        rows = rows.filter(system="")  # a tree has no place for it
    exported = export_rows(rows, format_name, out)
    assert exported.written + sum(exported.left_out.values()) == rows.height
    again = read_source(out, name="again")
    assert again.quarantined.height == 0
    assert again.rows["id"].to_list() == rows["id"].to_list()[: exported.written] or (
        again.rows["id"].to_list() == rows["id"].to_list()
    )


def test_no_rows(rows: pl.DataFrame, tmp_path: Path) -> None:
    assert export_rows(rows.clear(), "alpaca", tmp_path / "a.json").written == 0
    assert (tmp_path / "a.json").read_text() == "[]"
    export_rows(rows.clear(), "messages", tmp_path / "b.csv")
    with (tmp_path / "b.csv").open(newline="") as handle:
        assert list(csv.reader(handle)) == [["messages"]]


def test_order_of_rows_is_kept(rows: pl.DataFrame, tmp_path: Path) -> None:
    many = pl.concat([rows[1:2].with_columns(output=pl.lit(str(n))) for n in range(500)])
    path = export_rows(many, "alpaca", tmp_path / "a.json").path
    assert [record["output"] for record in json.loads(path.read_text())] == list(
        map(str, range(500))
    )


@pytest.mark.parametrize(("name", "near"), [("alpacca", "alpaca"), ("share_gpt", "sharegpt")])
def test_unknown_format(rows: pl.DataFrame, tmp_path: Path, name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{near}'") as caught:
        export_rows(rows, name, tmp_path / "out.json")
    assert all(known in str(caught.value) for known in FORMATS)
    assert not (tmp_path / "out.json").exists()


def test_auto_is_no_format_to_write(rows: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a format"):
        export_rows(rows, "auto", tmp_path / "out.json")


def test_directory_as_output(rows: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="add a file name"):
        export_rows(rows, "alpaca", tmp_path)


def test_file_where_a_directory_should_be(rows: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError):
        export_rows(rows, "alpaca", tmp_path / "file" / "out.json")


def test_failed_export_leaves_the_old_file(
    rows: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", fail)
    with pytest.raises(RunError, match="space"):
        export_rows(rows, "alpaca", out)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "source.jsonl"]
