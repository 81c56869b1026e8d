"""What earlier versions know."""

from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.prompts import Prompts
from flows.refresh.known import (
    count_copies,
    covering_versions,
    known_tasks,
    leave_answered,
    worked_on,
)
from flows.refresh.night import Night
from quality.ids import content_id
from schemas.frames import DECISIONS, ROWS, empty_frame
from schemas.records import GivenTask

ROW = {"source": "respond", "teacher": "t", "input": "", "output": "Yes.", "messages": []}


def version(folder: Path, kept: list[dict[str, object]], gone: list[dict[str, object]]) -> Path:
    """A version with only the files that are read here; `rule` is why a row is gone."""
    for part in ("data/default", "rejects", "decisions"):
        (folder / part).mkdir(parents=True)
    frames = [
        pl.DataFrame([{**ROW, **row} for row in rows], schema=dict(ROWS)) for rows in (kept, gone)
    ]
    frames[0].write_parquet(folder / "data/default/train-00000-of-00001.parquet")
    frames[1].write_parquet(folder / "rejects/r.parquet")
    lines = [{"id": row["id"], "rule": row.get("rule"), "action": "drop"} for row in gone]
    decisions = pl.concat([empty_frame(DECISIONS), pl.DataFrame(lines)], how="diagonal_relaxed")
    decisions.write_parquet(folder / "decisions/d.parquet")
    return folder


def night(*folders: Path) -> Night:
    return Night(False, tuple(map(str, folders)), str(folders[0]), 0, (), "{}", ())


def task(text: str, context: str = "") -> GivenTask:
    name = content_id([{"role": "user", "content": f"{text}\n\n{context}"}])
    return GivenTask(name, text, context)


def test_only_prompts_that_nobody_answered_are_left(tmp_path: Path) -> None:
    kept = [{"id": "a", "instruction": "One?"}, {"id": "b", "instruction": "Two?", "source": "x"}]
    gone = [
        {"id": "c", "instruction": "Three?", "input": "this", "rule": "low_confidence"},
        {"id": "d", "instruction": "Four?", "rule": "teacher_error"},
        {"id": "e", "instruction": "", "teacher": None, "raw": "[1]", "rule": "missing_prompt"},
    ]
    folder = version(tmp_path / "1.0.0", kept, gone)
    tasks = [task("One?"), task("Two?"), task("Three?", "this"), task("Three?"), task("Four?")]
    lines = [(5, "missing_prompt", "", "[1]"), (6, "missing_prompt", "", "[2]")]
    left = leave_answered(Prompts(tasks, lines, "f"), night(folder), "respond")
    # Another generator's answer is none; a teacher that was down is asked again.
    assert [item.instruction for item in left.tasks] == ["Two?", "Three?", "Four?"]
    assert left.tasks[1].input == ""
    assert [line[3] for line in left.unreadable] == ["[2]"]


def test_what_was_made_of_a_thing_is_known_unless_a_fault_prevented_it(tmp_path: Path) -> None:
    kept = [{"id": "a", "parents": ["p"], "arm": "qa"}, {"id": "b", "parents": ["q"]}]
    gone = [
        {"id": "c", "parents": ["r"], "arm": "qa", "rule": "quote_not_found"},
        {"id": "d", "parents": ["s"], "arm": "qa", "rule": "teacher_error"},
        {"id": "e", "parents": ["t"], "arm": "qa", "rule": "no_quote", "source": "other"},
    ]
    folder = version(tmp_path / "1.0.0", kept, gone)
    assert worked_on(night(folder), "respond") == {("p", "qa"), ("q", ""), ("r", "qa")}


def test_new_tasks_must_differ_from_all_that_were_ever_there(tmp_path: Path) -> None:
    old = version(
        tmp_path / "1.0.0",
        [{"id": "a", "instruction": "One?", "teacher": None}],
        [
            {"id": "b", "instruction": "Two?", "rule": "low_quality"},
            {"id": "c", "instruction": "Source?", "teacher": None, "rule": "empty"},
        ],
    )
    new = version(tmp_path / "1.1.0", [{"id": "a", "instruction": "One?"}], [])
    found = dict(known_tasks(night(old, new)))
    assert found == {"a": "One?", "b": "Two?"}


def test_versions_that_add_nothing_of_their_own_are_not_read_again(tmp_path: Path) -> None:
    rows = [{"id": name, "instruction": name} for name in "abcd"]
    first = version(tmp_path / "1.0.0", [rows[0], rows[3]], [])
    second = version(tmp_path / "1.1.0", [rows[0], rows[1], rows[3]], [])
    third = version(tmp_path / "2.0.0", rows[:2], [])  # d went
    fourth = version(tmp_path / "2.1.0", rows[:3], [])
    assert covering_versions([first, second, third, fourth]) == [fourth, second]
    assert covering_versions([first]) == [first]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9))))
def test_the_next_number_of_a_copy_is_free(copies: list[tuple[str, int]]) -> None:
    ids = {letter * 32 if number == 0 else f"{letter * 32}-{number}" for letter, number in copies}
    counts = count_copies(ids)
    for letter in "ab":
        number = counts[letter * 32]
        assert (letter * 32 if number == 0 else f"{letter * 32}-{number}") not in ids
