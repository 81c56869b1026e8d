"""What a home remembers of a night: allowances that do not grow, rounds that are not lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.refresh.record import Record, Start
from flows.teachers.budget import Spend

START = Start("1.0.0", "h1", "2026-12-01", Spend(usd=2.0), 7, "same")


def begun(record: Record | None = None, **changed: object) -> Record:
    return (record or Record()).begin(START._replace(**changed))  # type: ignore[arg-type]


def test_a_killed_night_goes_on_with_what_is_left_of_its_allowance() -> None:
    first = begun()
    again = begun(first, spent=Spend(usd=2.6))
    assert again.spent.usd == 2.0


@pytest.mark.parametrize("change", [{"day": "2026-12-02"}, {"history": "h2", "parent": "1.1.0"}])
def test_another_day_or_version_brings_a_new_allowance(change: dict[str, object]) -> None:
    assert begun(begun(), spent=Spend(usd=2.6), **change).spent.usd == 2.6


def test_rounds_without_a_version_are_gone_through_again_until_one_uses_them() -> None:
    dry = replace(begun(), plans={"a": [3, 3]})
    assert begun(dry, day="2026-12-02").plans == {"a": [3, 3]}
    # A version that only a full refresh made has not used them either.
    assert begun(dry, history="h2").plans == {"a": [3, 3]}
    assert begun(dry, history="h2", first=13).plans == {}


def test_rounds_that_would_be_asked_anew_are_passed_over_for_good() -> None:
    dry = replace(begun(), plans={"a": [3, 3], "b": [2]})
    changed = begun(dry, asking="other")
    assert (changed.plans, changed.skipped) == ({}, 8)
    assert begun(changed, asking="other").skipped == 8
    assert begun(changed, asking="other", first=20).skipped == 0


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = replace(begun(), plans={"a": [3]}, skipped=2)
    record.write(tmp_path, "set")
    assert Record.read(tmp_path, "set") == record


@pytest.mark.parametrize("text", ["", "{", "[]", '{"spent": 3}', '{"unknown": 1, "spent": {}}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "refresh" / "set.json"
    path.parent.mkdir()
    path.write_text(text)
    assert Record.read(tmp_path, "set") == Record()
    assert Record.read(tmp_path, "other") == Record()
