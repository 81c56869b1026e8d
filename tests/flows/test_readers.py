"""Readers on damaged files: one bad record costs one record, and none is lost."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flows.ingest import Ingested, read_source
from schemas.errors import InputError

ADD = {"instruction": "Add", "input": "1 2", "output": "3"}
GOOD = json.dumps(ADD).encode()
CUT = GOOD[:-5]
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


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


@pytest.mark.parametrize(
    ("data", "quarantined", "rows"),
    [
        (b"[\n" + GOOD + b",\n{broken},\n" + GOOD + b"\n]", [(3, 1, "invalid_json")], [0, 2]),
        (b"[\n" + GOOD + b",\n" + CUT + b",\n" + GOOD + b"\n]", [(3, 1, "invalid_json")], [0, 2]),
        (b"[\n" + GOOD + b",\n" + CUT, [(3, 1, "invalid_json")], [0]),
        (b"[" + GOOD + b", {broken}, " + GOOD + b"]", [(1, 1, "invalid_json")], [0, 2]),
        (b"[{broken}, " + GOOD + b", " + GOOD + b"]", [(1, 0, "invalid_json")], []),
        (b'[{"a": [{"a": 1}]}, {broken}, {"a": 1}]',
         [(1, 0, "unknown_format"), (1, 1, "invalid_json")], []),
        (b"[\n" + GOOD + b"\n],\n" + GOOD + b"\n]", [(3, 1, "invalid_json")], [0, 2]),
        (b'{"data": [' + GOOD + b"], " + GOOD + b"]}", [(1, 1, "invalid_json")], [0, 2]),
        (b'{"data": [' + GOOD + b", " + GOOD + b"], x}", [(1, 2, "invalid_json")], [0, 1]),
        (b"[\n" + GOOD + b",\n" + GOOD + b",\n", [(4, 2, "invalid_json")], [0, 1]),
        (b"[" + GOOD + b"] and more", [(1, 1, "invalid_json")], [0]),
        (b"[\n" + GOOD + b",\n3, null,\n" + GOOD + b"]",
         [(3, 1, "not_an_object"), (3, 2, "not_an_object")], [0, 3]),
        (b'[\n{"prompt": "\xff", "answer": "b"},\n' + GOOD + b"]", [(2, 0, "bad_encoding")], [1]),
        (b'{"data": [\n' + GOOD + b",\n{bad},\n" + GOOD + b"]}", [(3, 1, "invalid_json")], [0, 2]),
        (b'{"data": [\n' + GOOD + b",\n" + GOOD[:-9], [(3, 1, "invalid_json")], [0]),
        (CUT + b"\n" + GOOD + b"\n" + GOOD, [(1, 0, "invalid_json")], [1, 2]),
        (GOOD + b"\n" + CUT + b"\n" + GOOD, [(2, 1, "invalid_json")], [0, 2]),
        (b"{broken", [(1, 0, "invalid_json")], []),
        (b"<html>", [(1, 0, "invalid_json")], []),
        (b"[" * 100_000, [(1, 0, "invalid_json")], []),
        (b'{"version": 1}', [(1, 0, "unknown_format")], []),
        (b'{"data": 3}', [(1, 0, "unknown_format")], []),
    ],
)  # fmt: skip
def test_damaged_documents(
    tmp_path: Path, data: bytes, quarantined: list[tuple[Any, ...]], rows: list[int]
) -> None:
    ingested = _ingest(tmp_path, "a.json", data)
    assert _quarantine(ingested) == quarantined
    assert ingested.rows["row"].to_list() == rows


def test_damage_in_an_indented_document_costs_one_record(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "a\n {"}, {"from": "gpt", "value": "b"}]
    text = json.dumps([{"conversations": turns}] * 5, indent=1)
    text = text.replace('"gpt"', "gpt", 1)
    ingested = _ingest(tmp_path, "a.json", text.encode())
    assert _quarantine(ingested) == [(2, 0, "invalid_json")]
    assert ingested.rows["row"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("data", "quarantined", "rows"),
    [
        (b"instruction,output\na,b\nc\nd,e,f\ng,h\n",
         [(3, 1, "csv_field_count"), (4, 2, "csv_field_count")], [0, 3]),
        (b'instruction,output\n"a\nb",c\nd\n', [(4, 1, "csv_field_count")], [0]),
        (b'instruction,output\na,b\n"c,d\ne,f\n', [(3, 1, "csv_quote")], [0, 2]),
        (b'instruction,output\n"a" b,c\nd,e\n', [(2, 0, "csv_quote")], [1]),
        (b"instruction,output\na,\xff\nd,e\n", [(2, 0, "bad_encoding")], [1]),
        (b"name,value\na,b\n", [(2, 0, "unknown_format")], []),
        (b"instruction,output\n,b\na,\n", [(2, 0, "empty_instruction")], [1]),
    ],
)  # fmt: skip
def test_damaged_tables(
    tmp_path: Path, data: bytes, quarantined: list[tuple[Any, ...]], rows: list[int]
) -> None:
    ingested = _ingest(tmp_path, "a.csv", data)
    assert _quarantine(ingested) == quarantined
    assert ingested.rows["row"].to_list() == rows


def test_field_of_a_table_over_the_limit_of_the_csv_module(tmp_path: Path) -> None:
    data = b"instruction,output\nAdd," + b"x" * 1_000_000 + b"\n"
    assert _ingest(tmp_path, "a.csv", data).rows["output"].str.len_chars().to_list() == [1_000_000]


@pytest.mark.parametrize(
    "data",
    [
        _gzip(_lines(*[{**ADD, "output": str(place)} for place in range(5_000)]))[:-2_000],
        b"\x1f\x8bnot gzip",
        _gzip(_lines(ADD))[:-8] + b"\0" * 8,
    ],
)
def test_damaged_gzip_is_quarantined(tmp_path: Path, data: bytes) -> None:
    ingested = _ingest(tmp_path, "a.jsonl.gz", data)
    assert ingested.quarantined["rule"].to_list()[-1] == "bad_compression"


@one_file
@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode("utf-8")))
def test_every_line_is_a_row_or_in_quarantine(tmp_path: Path, data: bytes) -> None:
    wide = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff", b"\x1f\x8b", b"\xef\xbb\xbf")
    assume(not data.startswith(wide) and not data.lstrip().startswith(b"["))
    lines = [line for line in data.split(b"\n") if line.strip()]
    assert _ingest(tmp_path, "a.jsonl", data).records == len(lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["instruction", "output", "prompt", "a"]), inner)
    ),
    max_leaves=8,
)


@one_file
@given(st.lists(JSON, max_size=6), st.sampled_from([None, 1, 4]))
def test_every_element_is_a_row_or_in_quarantine(
    tmp_path: Path, records: list[object], indent: int | None
) -> None:
    data = json.dumps(records, indent=indent).encode()
    ingested = _ingest(tmp_path, "a.json", data)
    assert ingested.records == len(records)
    places = [*ingested.rows["row"], *ingested.quarantined["row"]]
    assert sorted(places) == list(range(len(records)))


@one_file
@given(
    st.binary(max_size=200),
    st.sampled_from(["a.json", "a.csv", "a.tsv", "a.jsonl.gz", "a.json.gz"]),
)
def test_no_bytes_crash_a_reader(tmp_path: Path, data: bytes, name: str) -> None:
    try:
        ingested = _ingest(tmp_path, name, data)
    except InputError as error:
        message = str(error)
    else:
        message = ""
        places = [*ingested.rows["row"], *ingested.quarantined["row"]]
        assert sorted(places) == list(range(ingested.records))
    assert "\n" not in message


@one_file
@given(st.integers(0, 400), st.sampled_from([None, 1]))
def test_cut_documents_lose_at_most_the_last_record(
    tmp_path: Path, cut: int, indent: int | None
) -> None:
    text = json.dumps([{**ADD, "output": str(place)} for place in range(6)], indent=indent)
    whole = text[:cut].count("}")
    ingested = _ingest(tmp_path, "a.json", text[:cut].encode())
    assert ingested.rows.height == whole
    assert ingested.quarantined.height == (0 < cut < len(text))
