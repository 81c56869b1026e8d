import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.collect import MAX_RAW_CHARACTERS, QUARANTINED
from flows.ingest import Ingested, expand_paths, read_hub_dataset, read_source
from quality.formats import FORMATS
from schemas.errors import InputError
from schemas.frames import ROWS

ADD = {"instruction": "Add", "input": "1 2", "output": "3"}
ASK = {"prompt": "6 x 7?", "completion": "42"}
GOOD = json.dumps(ADD).encode()


def _gzip(data: bytes) -> bytes:
    # Without a time in the header, so that parallel test workers name the cases alike.
    return gzip.compress(data, mtime=0)


def _ingest(folder: Path, name: str, data: bytes, **options: Any) -> Ingested:
    path = folder / name
    path.write_bytes(data)
    return read_source(path, name="test", **options)


def _quarantine(ingested: Ingested) -> list[tuple[Any, ...]]:
    return ingested.quarantined.select("line", "row", "rule").rows()


def _lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_a_row_keeps_where_it_came_from(tmp_path: Path) -> None:
    rows = _ingest(tmp_path, "a.jsonl", _lines(ADD), license="MIT").rows
    assert dict(rows.schema) == dict(ROWS)
    row = rows.to_dicts()[0]
    row.pop("id")
    assert row == {
        "source": "test",
        "file": str(tmp_path / "a.jsonl"),
        "row": 0,
        "license": "MIT",
        "system": "",
        "instruction": "Add",
        "input": "1 2",
        "output": "3",
        "messages": [
            {"role": "user", "content": "Add\n\n1 2"},
            {"role": "assistant", "content": "3"},
        ],
        "rejected": None,
        "teacher": None,
        "request_key": None,
        "parents": None,
        "arm": None,
        "about": None,
        "raw": json.dumps(ADD),
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", json.dumps([ADD, ASK]).encode()),
        ("a.json", json.dumps([ADD, ASK], indent=4).encode()),
        ("a.json", json.dumps({"version": 1, "data": [ADD, ASK], "more": {}}).encode()),
        ("a.json", _lines(ADD, ASK)),
        ("a.json", b"\n".join(json.dumps(record, indent=2).encode() for record in (ADD, ASK))),
        ("a.jsonl", _lines(ADD, ASK)),
        ("a.jsonl", _lines(ADD, ASK).rstrip()),
        ("a.jsonl", b"\n \r\n" + _lines(ADD).replace(b"\n", b"\r\n\n") + _lines(ASK)),
        ("a.jsonl", json.dumps([ADD, ASK], indent=4).encode()),
        ("a.jsonl", json.dumps([ADD, ASK]).encode()),
        ("a.ndjson", _lines(ADD, ASK)),
        ("A.JSONL", _lines(ADD, ASK)),
        ("a.jsonl.gz", _gzip(_lines(ADD, ASK))),
        ("a.json.gz", _gzip(json.dumps([ADD, ASK]).encode())),
        ("a.jsonl", _gzip(_lines(ADD, ASK))),
        ("a.jsonl", b"\xef\xbb\xbf" + _lines(ADD) + b"\xef\xbb\xbf" + _lines(ASK)),
        ("a.jsonl", _lines(ADD, ASK).decode().encode("utf-16")),
        ("a.json", json.dumps([ADD, ASK]).encode("utf-16-be").join([b"\xfe\xff", b""])),
        ("a.jsonl", _lines(ADD, ASK).decode().encode("utf-32")),
        ("a.txt", _lines(ADD, ASK)),
        ("a", json.dumps([ADD, ASK]).encode()),
    ],
)
def test_kinds_of_json(tmp_path: Path, name: str, data: bytes) -> None:
    ingested = _ingest(tmp_path, name, data)
    assert _quarantine(ingested) == []
    assert ingested.rows["instruction"].to_list() == ["Add", "6 x 7?"]
    assert ingested.rows["row"].to_list() == [0, 1]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b'instruction,input,output\r\nAdd,"1, 2",3\r\n\r\n"Say ""hi""\nnow",,hi\r\n'),
        ("a.csv", b'instruction;input;output\nAdd;1, 2;3\n"Say ""hi""\nnow";;hi'),
        (
            "a.csv",
            b'\xef\xbb\xbfinstruction\tinput\toutput\nAdd\t1, 2\t3\n"Say ""hi""\nnow"\t\thi\n',
        ),
        ("a.tsv", b'instruction\tinput\toutput\nAdd\t1, 2\t3\n"Say ""hi""\nnow"\t\thi\n'),
        (
            "a.csv.gz",
            _gzip(b'instruction,input,output\nAdd,"1, 2",3\n"Say ""hi""\nnow",,hi\n'),
        ),
        ("a.txt", b'instruction,input,output\nAdd,"1, 2",3\n"Say ""hi""\nnow",,hi\n'),
    ],
)
def test_kinds_of_tables(tmp_path: Path, name: str, data: bytes) -> None:
    ingested = _ingest(tmp_path, name, data)
    assert _quarantine(ingested) == []
    assert ingested.rows["instruction"].to_list() == ["Add", 'Say "hi"\nnow']
    assert ingested.rows["input"].to_list() == ["1, 2", ""]


@pytest.mark.parametrize("name", ["a.parquet", "a.bin"])
def test_parquet(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    records = [{**ADD, "messages": None, "score": float("nan")}, {**ASK, "messages": None}]
    pl.DataFrame(records, infer_schema_length=None).write_parquet(buffer)
    ingested = _ingest(tmp_path, name, buffer.getvalue())
    assert ingested.rows["instruction"].to_list() == ["Add", "6 x 7?"]
    assert json.loads(ingested.rows["raw"][0])["score"] is None


def test_parquet_of_our_own_rows(tmp_path: Path) -> None:
    first = _ingest(tmp_path, "a.jsonl", _lines(ADD, ASK))
    first.rows.write_parquet(tmp_path / "b.parquet")
    second = read_source(tmp_path / "b.parquet", name="again")
    assert second.rows["id"].to_list() == first.rows["id"].to_list()


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.txt", "a.parquet"])
def test_empty_file_has_no_records(tmp_path: Path, name: str) -> None:
    ingested = _ingest(tmp_path, name, b"")
    assert ingested.records == 0
    assert dict(ingested.rows.schema) == dict(ROWS)
    assert dict(ingested.quarantined.schema) == dict(QUARANTINED)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b"[]"), ("a.json", b" \n"), ("a.json", b'{"data": []}'), ("a.jsonl", b"\n\n"),
        ("a.csv", b"instruction,output\n"), ("a.jsonl.gz", _gzip(b"")),
    ],
)  # fmt: skip
def test_files_without_records(tmp_path: Path, name: str, data: bytes) -> None:
    assert _ingest(tmp_path, name, data).records == 0


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (b'{"instruction": "Add", "out', "invalid_json"),
        (b'{"instruction": "a\\d", "output": "x"}', "invalid_json"),
        (b"no json at all", "invalid_json"),
        (b"{'instruction': 'a'}", "invalid_json"),
        (b'{"instruction": "a", "output": Infinity}', "invalid_json"),
        (GOOD + GOOD, "invalid_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a": ' * 100_000, "invalid_json"),
        (b'{"instruction": "\xff", "output": "x"}', "bad_encoding"),
        (b'{"instruction": "caf\xe9", "output": "x"}', "bad_encoding"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"42", "not_an_object"),
        (b"NaN", "not_an_object"),
        (b"{}", "unknown_format"),
        (b'{"text": "a"}', "unknown_format"),
        (b'{"instruction": "a"}', "missing_output"),
        (b'{"instruction": "", "output": "a"}', "empty_instruction"),
        (b'{"instruction": {"a": 1}, "output": "a"}', "not_text"),
        (b'{"messages": [{"role": "assistant", "content": "a"}]}', "no_user_turn"),
        (b'{"messages": [{"role": "narrator", "content": "a"}]}', "unknown_role"),
    ],
)
def test_bad_line_is_quarantined_alone(tmp_path: Path, bad: bytes, rule: str) -> None:
    ingested = _ingest(tmp_path, "a.jsonl", GOOD + b"\n\n" + bad + b"\n" + GOOD)
    assert _quarantine(ingested) == [(3, 1, rule)]
    assert ingested.rows["row"].to_list() == [0, 2]
    record = ingested.quarantined.to_dicts()[0]
    assert record["source"] == "test"
    assert record["file"] == str(tmp_path / "a.jsonl")
    assert "\n" not in record["detail"]
    assert record["raw"] != ""


def test_raw_text_shows_what_came(tmp_path: Path) -> None:
    data = b'{"bad": "\xff"}\n{"instruction" : 1}\n{broken\n'
    raw = _ingest(tmp_path, "a.jsonl", data).quarantined["raw"].to_list()
    assert raw == ['{"bad": "\\xff"}', '{"instruction": 1}', "{broken"]


def test_cut_raw_text_says_so(tmp_path: Path) -> None:
    raw = _ingest(tmp_path, "a.jsonl", b"x" * (MAX_RAW_CHARACTERS + 7)).quarantined["raw"][0]
    assert raw == "x" * MAX_RAW_CHARACTERS + " ... [7 characters cut]"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_ten_megabytes_in_one_record(tmp_path: Path, name: str) -> None:
    data = _lines({**ADD, "output": "x" * 10_000_000}, ADD)
    assert _ingest(tmp_path, name, data).rows["output"].str.len_chars().to_list() == [10_000_000, 1]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", _lines(ADD, {**ADD, "output": "x" * 3_000_000}, ADD)),
        ("a.json", json.dumps([ADD, {**ADD, "output": "x" * 3_000_000}, ADD]).encode()),
        ("a.csv", b"instruction,output\nAdd,3\nAdd," + b"x" * 3_000_000 + b"\nAdd,3\n"),
    ],
)
def test_record_over_the_limit(tmp_path: Path, name: str, data: bytes) -> None:
    ingested = _ingest(tmp_path, name, data, max_record_bytes=1_000)
    assert ingested.quarantined.select("row", "rule").rows() == [(1, "row_too_large")]
    assert ingested.rows["row"].to_list() == [0, 2]


def test_line_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    for ending in (b"", b"\n", b"\r\n"):
        data = GOOD + ending
        assert _ingest(tmp_path, "a.jsonl", data, max_record_bytes=len(data)).rows.height == 1


def test_half_a_surrogate_pair_is_replaced_and_kept_in_raw(tmp_path: Path) -> None:
    rows = _ingest(
        tmp_path, "a.jsonl", b'{"instruction": "a\\ud83d", "output": "\\ud83d\\ude00"}'
    ).rows
    assert rows["instruction"].to_list() == ["a\ufffd"]
    assert rows["output"].to_list() == ["\U0001f600"]
    assert "\\ud83d" in rows["raw"][0]


def test_nan_is_null_and_the_last_of_two_keys_counts(tmp_path: Path) -> None:
    data = b'{"instruction": "a", "input": NaN, "output": "x", "output": "y"}'
    rows = _ingest(tmp_path, "a.jsonl", data).rows
    assert rows.select("input", "output").rows() == [("", "y")]


def test_forced_format(tmp_path: Path) -> None:
    ingested = _ingest(tmp_path, "a.jsonl", _lines(ADD, ASK), format="prompt_completion")
    assert ingested.rows["instruction"].to_list() == ["6 x 7?"]
    assert _quarantine(ingested) == [(1, 0, "missing_instruction")]


def test_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'alpaca'"):
        _ingest(tmp_path, "a.jsonl", b"", format="alpacca")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"input,output,input,output\n1,2,3,4\n", "'input', 'output' more than once"),
        ("a.csv", b'instruction,"output\n', "header"),
        ("a.parquet", b"PAR1 broken", "expected a Parquet file"),
        ("a.docx", b"PK\x03\x04", "rename"),
        ("a.txt", b"just words\n", "rename"),
    ],
)
def test_file_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _ingest(tmp_path, name, data)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.json", "found none"), (".", "directory"), ("file.json/a.json", "readable"),
        ("nul\0.json", "readable"), ("x" * 300 + ".json", "readable"),
    ],
)  # fmt: skip
def test_path_that_cannot_be_read(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "file.json").write_bytes(b"[]")
    with pytest.raises(InputError, match=message) as caught:
        read_source(tmp_path / name, name="test")
    assert "\n" not in str(caught.value)


def test_expand_paths(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.jsonl", "a.jsonl", ".hidden.jsonl", "c.csv", "sub/d.jsonl", "e[1].jsonl"):
        (tmp_path / name).write_bytes(b"")

    def names(pattern: str) -> list[str]:
        return [path.relative_to(tmp_path).as_posix() for path in expand_paths(pattern, tmp_path)]

    assert names("*.jsonl") == ["a.jsonl", "b.jsonl", "e[1].jsonl"]
    assert names("**/*.jsonl") == ["a.jsonl", "b.jsonl", "e[1].jsonl", "sub/d.jsonl"]
    assert names("[ab].jsonl") == ["a.jsonl", "b.jsonl"]
    assert names("e[1].jsonl") == ["e[1].jsonl"]
    assert names(str(tmp_path / "*.csv")) == ["c.csv"]
    assert names("sub/*") == ["sub/d.jsonl"]


@pytest.mark.parametrize("pattern", ["*.jsonl", "none.json", "**x", "/nowhere/*.json"])
def test_pattern_without_matches(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="matches") as caught:
        expand_paths(pattern, tmp_path)
    assert "\n" not in str(caught.value)


def test_dataset_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(_lines(ADD, {**ADD, "output": None}))
    (folder / "test.jsonl").write_bytes(_lines(ADD))
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    ingested = read_hub_dataset(str(folder), license="MIT")
    assert ingested.rows.select("file", "row").rows() == [
        (f"hf:{folder}/test", 0),
        (f"hf:{folder}/train", 0),
    ]
    assert ingested.quarantined.select("file", "row", "rule").rows() == [
        (f"hf:{folder}/train", 1, "missing_output")
    ]


def test_dataset_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a dataset on the Hub") as caught:
        read_hub_dataset(str(tmp_path / "none"))
    assert "\n" not in str(caught.value)


def test_formats_of_recipes_are_all_readable(tmp_path: Path) -> None:
    for name in FORMATS:
        assert _ingest(tmp_path, "a.jsonl", b"", format=name).records == 0
