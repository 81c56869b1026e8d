"""Prompts of any form and from many files."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from flows.prompts import Prompts, read_prompts
from flows.session import RunSpec, Session
from schemas.errors import InputError
from schemas.recipe import Recipe, RespondOptions
from tests.support.recipes import write_jsonl


def read(base: Path, prompts: str | Sequence[str]) -> Prompts:
    generator = {"kind": "respond", "prompts": prompts, "license": "MIT"}
    made = Recipe.model_validate({"name": "set", "generators": [generator]})
    spec = RunSpec("set", str(base / "home"), "", str(base), made.model_dump_json(), "")
    options = made.generators[0]
    assert isinstance(options, RespondOptions)
    return read_prompts(Session(spec), options)


TALK = [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "The Rhine."}]
TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a river."}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            (f"{field}.jsonl", json.dumps({field: " Name a river. ", "output": "No."}))
            for field in ("instruction", "prompt", "question", "query")
        ),
        ("a.json", json.dumps([{"question": "Name a river."}])),
        ("strings.json", json.dumps(["Name a river."])),
        ("a.csv", "prompt,answer\nName a river.,The Rhine.\n"),
        ("a.txt", "\n  Name a river.\r\n\n"),
        ("sharegpt.jsonl", json.dumps({"id": 1, "conversations": TALK})),
        ("messages.jsonl", json.dumps({"messages": TURNS})),
        ("prompt.jsonl", json.dumps({"prompt": TURNS, "chosen": "A", "rejected": "B"})),
    ],
)
def test_any_form_of_prompt_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read(tmp_path, name)
    assert found.unreadable == []
    (task,) = found.tasks
    assert (task.instruction, task.input, task.arm) == ("Name a river.", "", "")
    assert task.license == "MIT"


def test_a_table_of_prompts_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"instruction": ["Add."], "input": ["1 and 2"]})
    frame.write_parquet(tmp_path / "a.parquet")
    (task,) = read(tmp_path, "a.parquet").tasks
    assert (task.instruction, task.input) == ("Add.", "1 and 2")


def test_of_many_pools_each_prompt_names_its_own(tmp_path: Path) -> None:
    for name in ("one/a.jsonl", "two/a.jsonl", "two/b.jsonl"):
        write_jsonl(tmp_path / name, [{"prompt": f"In {name}?"}])
    found = read(tmp_path, ["two/*.jsonl", "one/a.jsonl", "two/b.jsonl"])
    assert [(task.arm, task.instruction) for task in found.tasks] == [
        ("two/a.jsonl", "In two/a.jsonl?"),
        ("b.jsonl", "In two/b.jsonl?"),
        ("one/a.jsonl", "In one/a.jsonl?"),
    ]
    assert read(tmp_path, "two/*.jsonl").tasks[0].arm == "a.jsonl"


def test_what_is_no_prompt_says_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Fine.\n\xff\xfe no\n")
    no_user = {"messages": [{"role": "assistant", "content": "Hi"}]}
    odd = {"messages": [{"role": "user", "content": [{"type": "image"}]}]}
    write_jsonl(tmp_path / "b.jsonl", [{"x": 1}, no_user, odd, ["y"], 7, {"prompt": " "}])
    found = read(tmp_path, ["a.txt", "b.jsonl"])
    assert [task.instruction for task in found.tasks] == ["Fine."]
    assert [(one.file, one.line, one.rule) for one in found.unreadable] == [
        ("a.txt", 2, "bad_encoding"),
        *(("b.jsonl", line, "missing_prompt") for line in range(1, 7)),
    ]


def test_the_fingerprint_follows_names_and_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_jsonl(tmp_path / f"{name}.jsonl", [{"prompt": "Hi"}])
    first = read(tmp_path, "*.jsonl").fingerprint
    assert read(tmp_path, ["a.jsonl", "b.jsonl"]).fingerprint == first
    (tmp_path / "b.jsonl").rename(tmp_path / "c.jsonl")
    assert read(tmp_path, "*.jsonl").fingerprint != first


@pytest.mark.parametrize("prompts", ["none.jsonl", "*.jsonl", ["none.txt"]])
def test_a_pool_that_is_not_there(tmp_path: Path, prompts: str | list[str]) -> None:
    with pytest.raises(InputError, match="expected a file"):
        read(tmp_path, prompts)
