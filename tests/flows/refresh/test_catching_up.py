"""What a scheduled run does about others that are late or under way."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.refresh.catching_up import Fired, done_by, overdue

START = datetime(2026, 11, 1, 2, tzinfo=UTC)
State = Literal["waiting", "running", "ended", "gone"]


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def fired(name: str, due: float, started: float | None = None, state: State = "waiting") -> Fired:
    return Fired(name, at(due), None if started is None else at(started), state)


def test_the_first_run_after_a_week_off_works_and_the_others_leave_it_to_it() -> None:
    late = [fired(f"r{day}", day) for day in range(1, 8)]
    own = fired("r3", 3, 7.5, "running")
    others = [run for run in late if run.id != "r3"]
    assert done_by(own, others, at(7.5)) is None
    assert [run.id for run in overdue(at(7.5), others)] == ["r1", "r2", "r4", "r5", "r6", "r7"]
    done = fired("r3", 3, 7.5, "ended")
    for run in others:
        mine = Fired(run.id, run.due, at(7.6), "running")
        assert done_by(mine, [done, *others], at(7.6)) == done


def test_what_was_cancelled_in_favour_of_a_run_is_its_work_too() -> None:
    """The scheduler let one late run start and cancelled the rest; it must not skip itself."""
    worked = fired("r1", 1, 1.5, "ended")
    own = fired("r1b", 1.2, 3.5, "running")
    cancelled = fired("r3", 3, None, "gone")
    assert done_by(own, [worked], at(3.5)) == worked
    assert done_by(own, [worked, cancelled], at(3.5)) is None


def test_a_failure_is_not_repeated_and_a_kill_is_made_good() -> None:
    own = fired("own", 2, 5.1, "running")
    assert done_by(own, [fired("failed", 1, 5, "ended")], at(5.1)) is not None
    assert done_by(own, [fired("killed", 1, 5, "gone")], at(5.1)) is None


def test_the_night_before_counts_for_nothing() -> None:
    own = fired("own", 2, 2.001, "running")
    assert done_by(own, [fired("before", 1, 1.001, "ended")], at(2.001)) is None
    assert done_by(own, [fired("long", 1, 1.001, "running")], at(2.001)) is None


def test_runs_that_are_not_due_wait_on() -> None:
    assert overdue(at(1), [fired("tomorrow", 2), fired("done", 0, 0, "ended")]) == []


@settings(max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(41, 60))
def test_of_runs_that_start_together_exactly_one_works(dues: list[int], now: int) -> None:
    runs = [Fired(f"{place:02}", at(due), at(now), "running") for place, due in enumerate(dues)]
    working = [run for run in runs if done_by(run, runs, at(now)) is None]
    assert [run.id for run in working] == ["00"]
