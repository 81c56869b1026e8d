import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.session import RunSpec, Session
from flows.sources import list_files, read_sources
from flows.store import StageOutput
from schemas.errors import InputError
from schemas.recipe import Recipe

ADD = {"instruction": "Add one and two.", "input": "", "output": "Three."}
ASK = {"prompt": "Name a river.", "completion": "The Rhine."}


def open_session(base: Path, sources: Sequence[Mapping[str, Any]], **recipe: Any) -> Session:
    made = Recipe.model_validate({"name": "set", "sources": sources, **recipe})
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    return Session(spec)


def read(base: Path, *sources: Mapping[str, Any], **recipe: Any) -> StageOutput:
    return read_sources(open_session(base, sources, **recipe)).compute()


def write(path: Path, *records: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def test_rows_know_where_they_come_from(tmp_path: Path) -> None:
    write(tmp_path / "data" / "b.jsonl", ASK)
    write(tmp_path / "data" / "a.jsonl", ADD, {"x": 1}, ASK)
    found = read(tmp_path, {"path": "data/*.jsonl", "license": "MIT"})
    places = ["source", "file", "row", "license", "instruction"]
    assert found.rows.select(places).rows() == [
        ("a.jsonl", "data/a.jsonl", 0, "MIT", "Add one and two."),
        ("a.jsonl", "data/a.jsonl", 2, "MIT", "Name a river."),
        ("b.jsonl", "data/b.jsonl", 0, "MIT", "Name a river."),
    ]
    assert found.dropped.select("file", "row", "raw").rows() == [("data/a.jsonl", 1, '{"x": 1}')]
    lines = found.decisions.select("stage", "rule", "action", "evidence").rows()
    assert [line[:3] for line in lines] == [("ingest", "unknown_format", "quarantine")]
    assert lines[0][3].startswith("data/a.jsonl, line 2: expected the fields of ")
    assert found.rows_in == 4


def test_equal_rows_get_numbers(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", ADD, ASK, ADD)
    write(tmp_path / "b.jsonl", ADD)
    found = read(tmp_path, {"path": "a.jsonl"}, {"path": "b.jsonl"})
    base = found.rows["id"][0]
    assert found.rows["id"].to_list() == [base, found.rows["id"][1], f"{base}-1", f"{base}-2"]


def test_unreadable_records_that_are_equal_get_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{\n{\n")
    found = read(tmp_path, {"path": "a.jsonl"})
    first, second = found.dropped["id"]
    assert second == f"{first}-1"
    assert found.decisions["id"].to_list() == [first, second]
    assert (found.rows.height, found.rows_in) == (0, 2)


def test_no_sources_make_no_rows(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.rows.height, found.dropped.height, found.rows_in) == (0, 0, 0)


def test_an_empty_file_makes_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    found = read(tmp_path, {"path": "a.jsonl"})
    assert (found.rows.height, found.dropped.height, found.rows_in) == (0, 0, 0)


def test_the_fingerprint_follows_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ADD)
    session = open_session(tmp_path, [{"path": "a.jsonl"}])
    first = read_sources(session).fingerprint
    assert read_sources(session).fingerprint == first
    path.touch()
    assert read_sources(session).fingerprint == first
    write(path, ASK)
    assert read_sources(session).fingerprint != first


def many(count: int) -> list[dict[str, str]]:
    return [{"instruction": f"Name number {n}.", "output": f"It is {n}."} for n in range(count)]


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_share_is_drawn_and_the_rest_is_accounted_for(tmp_path: Path, share: float) -> None:
    write(tmp_path / "a.jsonl", *many(400))
    found = read(tmp_path, {"path": "a.jsonl", "share": share})
    assert found.rows.height + found.dropped.height == found.rows_in == 400
    assert abs(found.rows.height - 400 * share) <= 40
    assert set(found.decisions["rule"]) <= {"source_share"}
    assert set(found.decisions["threshold"]) <= {share}
    assert "_share" not in found.rows.columns + found.dropped.columns


def test_a_share_is_the_same_in_any_order_and_other_with_another_seed(tmp_path: Path) -> None:
    rows = many(100)
    write(tmp_path / "a.jsonl", *rows)
    write(tmp_path / "b" / "a.jsonl", *reversed(rows))
    one = read(tmp_path, {"path": "a.jsonl", "share": 0.5}).rows["id"]
    two = read(tmp_path / "b", {"path": "a.jsonl", "share": 0.5}).rows["id"]
    assert sorted(one) == sorted(two)
    three = read(tmp_path, {"path": "a.jsonl", "share": 0.5}, seed=1).rows["id"]
    assert sorted(three) != sorted(one)


def test_a_larger_share_holds_the_smaller_one(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", *many(100))
    small = set(read(tmp_path, {"path": "a.jsonl", "share": 0.3}).rows["id"])
    large = set(read(tmp_path, {"path": "a.jsonl", "share": 0.6}).rows["id"])
    assert small < large


def test_each_source_has_its_own_share(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", *many(50))
    write(tmp_path / "b.jsonl", *[{**row, "output": "Other."} for row in many(50)])
    found = read(tmp_path, {"path": "a.jsonl"}, {"path": "b.jsonl", "share": 0.2})
    assert found.rows.filter(source="a.jsonl").height == 50
    assert 0 < found.rows.filter(source="b.jsonl").height < 25


def test_files_are_listed_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.jsonl", ADD)
    session = open_session(
        tmp_path, [{"path": "c.jsonl"}, {"path": "[ab].jsonl"}, {"path": str(tmp_path / "a.jsonl")}]
    )
    assert list_files(session) == ["c.jsonl", "a.jsonl", "b.jsonl", str(tmp_path / "a.jsonl")]


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, {"path": "none.jsonl"})
    assert str(caught.value) == (
        "expected a file or a pattern that matches one, got 'none.jsonl', no such file in "
        f"{str(tmp_path)!r}: check the path"
    )


TALKS = [
    {"conversations": [{"from": "human", "value": ask}, {"from": "gpt", "value": answer}]}
    for ask, answer in (("Hi", "Hello."), ("hi ", "Hello, what a day."), ("Bye", "So long."))
]


def test_a_query_is_taken_once_from_a_source_that_wants_it_so(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", *TALKS)
    write(tmp_path / "b.jsonl", TALKS[0])
    assert read(tmp_path, {"path": "*.jsonl"}).rows.height == 4
    found = read(tmp_path, {"path": "*.jsonl", "unique": "query"})
    assert sorted(found.rows["output"]) == ["Hello, what a day.", "So long."]
    assert found.rows.height + found.dropped.height == found.rows_in == 4
    assert found.decisions["rule"].to_list() == ["same_query"] * 2
    apart = read(
        tmp_path, {"path": "a.jsonl", "unique": "query"}, {"path": "b.jsonl", "unique": "query"}
    )
    assert apart.rows.height == 3


def test_a_share_is_drawn_from_the_queries_that_are_left(tmp_path: Path) -> None:
    twice = [{**row, "output": f"{row['output']} Sure."} for row in many(200)]
    write(tmp_path / "a.jsonl", *many(200), *twice)
    found = read(tmp_path, {"path": "a.jsonl", "unique": "query", "share": 0.5})
    rules = dict(found.decisions["rule"].value_counts().iter_rows())
    assert rules["same_query"] == 200
    assert found.rows.height + rules["source_share"] == 200
    assert sorted(found.decisions["id"]) == sorted(found.dropped["id"])


PAIR = {"prompt": "Name a river.", "chosen": "The Rhine.", "rejected": "No."}


def test_a_marked_pair_is_two_rows_in_the_books(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", PAIR, ASK, {"x": 1}, PAIR)
    found = read(tmp_path, {"path": "a.jsonl", "preferences": "marked", "license": "MIT"})
    assert (found.rows_in, found.rows.height, found.dropped.height) == (6, 5, 1)
    assert found.rows["id"].n_unique() == 5
    assert found.rows.select("arm", "row", "license").rows() == [
        ("good", 0, "MIT"), ("bad", 0, "MIT"), (None, 1, "MIT"), ("good", 3, "MIT"),
        ("bad", 3, "MIT"),
    ]  # fmt: skip
    plain = read(tmp_path, {"path": "a.jsonl"}).rows
    assert plain["rejected"].to_list() == ["No.", None, "No."]
    assert found.rows["parents"][0].to_list() == [plain["id"][0]]
