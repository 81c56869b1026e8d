"""Benchmarks are read from any file people have, and what cannot be read is said in one line."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.decontaminate.benchmarks import load_benchmarks
from flows.decontaminate.fields import Question, read_question
from flows.session import RunSpec, Session
from quality.decontaminate import BenchmarkItem
from schemas.errors import InputError
from schemas.recipe import DecontaminateOptions, Recipe


def load(base: Path, *against: str) -> list[BenchmarkItem]:
    recipe = Recipe(name="set")
    spec = RunSpec("set", str(base / "home"), "", str(base), recipe.model_dump_json(), "")
    return load_benchmarks(Session(spec), DecontaminateOptions(against=against))


def write(path: Path, *records: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


@pytest.mark.parametrize(
    ("record", "text", "given", "more", "name"),
    [
        ({"question": "Why?", "answer": "So."}, "Why?", "", (), ""),
        ({"task_id": "T/0", "prompt": "def f():"}, "def f():", "", (), "T/0"),
        ({"question_id": 81, "turns": ["One", "Two"]}, "One", "", ("Two",), "81"),
        ({"key": 0, "prompt": "Write."}, "Write.", "", (), "0"),
        ({"instruction": "Sum up.", "input": "Text."}, "Sum up.", "Text.", (), ""),
        ({"instruction": "Sum up.", "input": None}, "Sum up.", "", (), ""),
        ({"context": "C", "question": "Q", "id": " a\nb "}, "Q", "C", (), "a b"),
        ({"question": "Q", "choices": ["x", "y"]}, "Q", "", ("x", "y"), ""),
        ({"question": "Q", "choices": {"text": ["x"], "label": ["A"]}}, "Q", "", ("x",), ""),
        ({"question": {"stem": "Q"}}, "Q", "", (), ""),
        ({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]},
         "U", "", (), ""),
        ({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "A"},
                            {"from": "human", "value": "V"}]}, "U", "", ("V",), ""),
        ({"question": None, "problem": "P"}, "P", "", (), ""),
        ({"question": ""}, "", "", (), ""),
        ({"id": True, "text": "T"}, "T", "", (), ""),
        ({"turns": []}, "", "", (), ""),
    ],
)  # fmt: skip
def test_questions_are_found_by_field(
    record: dict[str, Any], text: str, given: str, more: tuple[str, ...], name: str
) -> None:
    assert read_question(record) == Question(text, given, more, name)


@pytest.mark.parametrize("record", [{}, {"answer": "So."}, [], "question", None, 3])
def test_a_record_without_a_question(record: object) -> None:
    assert read_question(record) is None


def test_every_kind_of_file_gives_the_same_items(tmp_path: Path) -> None:
    records = [{"id": f"q{n}", "question": f"Number {n}?"} for n in range(3)]
    write(tmp_path / "a.jsonl", *records)
    (tmp_path / "a.json").write_text(json.dumps(records), encoding="utf-8")
    pl.DataFrame(records).write_csv(tmp_path / "a.csv")
    pl.DataFrame(records).write_parquet(tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.json", "a.csv", "a.parquet"):
        items = load(tmp_path, name)
        assert [(item.label, item.number, item.text) for item in items] == [
            (f"{name}:q{n}", n, f"Number {n}?") for n in range(3)
        ]


def test_patterns_and_files_named_twice(tmp_path: Path) -> None:
    write(tmp_path / "one" / "a.jsonl", {"text": "A"})
    write(tmp_path / "two" / "a.jsonl", {"text": "B"})
    write(tmp_path / "two" / "b.jsonl", {"text": "C"})
    items = load(tmp_path, "two/b.jsonl", "*/*.jsonl")
    assert [item.text for item in items] == ["C", "A", "B"]
    assert items[0].label == "b.jsonl:0"
    assert items[1].label.endswith("one/a.jsonl:0")


def test_an_id_that_occurs_twice_names_no_item(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", *({"id": n, "text": f"T{n}"} for n in (1, 2, 1)))
    assert [item.label for item in load(tmp_path, "a.jsonl")] == [
        "a.jsonl:0", "a.jsonl:2", "a.jsonl:2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "expected benchmark items, got none in a.jsonl: check the file"),
        ("a.jsonl", b"\n\n", "expected benchmark items, got none in a.jsonl"),
        ("a.jsonl", b'{"question": "Q"}\n{"question"\n', "a.jsonl, line 2: correct it"),
        ("a.jsonl", b'{"question": "Q"}\n\n{"answer": "A"}\n', "a.jsonl, line 3: rename a field"),
        ("a.jsonl", b'["Q"]\n["Q"]\n', "expected an object with one of question, instruction,"),
        ("a.csv", b"x,y\n1,2\n", "a.csv, line 2: rename a field"),
        ("a.parquet", b"PAR1 no", "expected a Parquet file, got "),
        ("a.xyz", b"\x00", "expected a file of kind "),
    ],
)
def test_a_wrong_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(tmp_path, name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a file or a pattern .* got 'none\.jsonl'"):
        load(tmp_path, "none.jsonl")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "owner" / "name"


def test_of_a_hub_dataset_the_test_split_counts(hub: Path, tmp_path: Path) -> None:
    write(hub / "train.jsonl", {"question": "To learn?", "answer": "a"})
    write(hub / "test.jsonl", *({"question": f"To measure {n}?", "answer": "a"} for n in "ab"))
    items = load(tmp_path, f"hf:{hub}")
    assert [item.text for item in items] == ["To measure a?", "To measure b?"]
    assert items[1].label == f"hf:{hub}:1"


def test_of_a_hub_dataset_without_a_test_split_everything_counts(hub: Path, tmp_path: Path) -> None:
    write(hub / "train.jsonl", {"instruction": "Do.", "input": "It.", "output": "Done."})
    items = load(tmp_path, f"hf:{hub}")
    assert [(item.text, item.given) for item in items] == [("Do.", "It.")]


def test_a_hub_dataset_out_of_reach_is_told_in_one_line(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a dataset on the Hub") as caught:
        load(tmp_path, f"hf:{hub}")
    assert "\n" not in str(caught.value)
