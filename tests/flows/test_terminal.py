"""The summary of a run at a terminal: what the report says, in twenty lines."""

from typing import Any

import pytest

from flows.terminal import MAX_LINES, describe


def make_summary(**more: Any) -> dict[str, Any]:
    """A summary of a run without a teacher."""
    stages = [
        {"stage": "ingest", "rows_in": 10, "kept": 10, "dropped": 0, "quarantined": 0},
        {"stage": "signals", "rows_in": 10, "kept": 10, "dropped": 0, "quarantined": 0},
        {"stage": "filter", "rows_in": 10, "kept": 7, "dropped": 3, "quarantined": 0},
    ]
    plain: dict[str, Any] = {
        "dataset": "rivers",
        "version": "1.0.0",
        "path": "published/rivers/1.0.0",
        "is_new": True,
        "rows_in": 10,
        "kept": 7,
        "dropped": 3,
        "quarantined": 0,
        "by_rule": {"refusal": 2, "max_words": 1},
        "stages": stages,
        "stopped_by": {},
        "requests": {"sent": 0, "replayed": 0, "failed": 0},
        "tokens": {"prompt": 0, "completion": 0},
        "cost_usd": 0.0,
        "errors": {},
        "down": {},
        "teachers": [],
        "seconds": 1.5,
    }
    return plain | more


@pytest.mark.parametrize(
    "said",
    [
        "rivers 1.0.0\n",
        "rows     7 kept of 10 (70.0 %); 3 dropped, 0 unreadable",
        "stages   ingest 10 > filter 7",
        "      2  refusal",
        "look     published/rivers/1.0.0/report.html",
    ],
)
def test_summary_says(said: str) -> None:
    assert said in describe(make_summary())


def test_what_a_teacher_cost_is_said_only_where_one_was_asked() -> None:
    assert "teacher" not in describe(make_summary())
    asked = {"sent": 1_200, "replayed": 3, "failed": 1}
    found = describe(make_summary(requests=asked, cost_usd=0.5, errors={"timeout": 1}))
    assert "1,200 requests sent, 3 replayed, 1 failed" in found
    assert "US$ 0.5000" in found
    assert "faults   1 timeout" in found


def test_everything_at_once_takes_twenty_lines_and_loses_no_row() -> None:
    noisy = {"stage": "dedup", "rows_in": 9, "kept": 1, "dropped": 8, "quarantined": 0}
    notes = {f"note{place}": {"alarm": "a\nb"} for place in range(9)}
    rules = {f"rule{place}": 1 for place in range(30)}
    teachers = [{"model": f"m{place}", "requests": {"sent": 1}} for place in range(5)]
    found = describe(
        make_summary(
            stages=[*make_summary()["stages"], noisy | {"notes": notes}],
            by_rule=rules,
            stopped_by={f"g{place}": "max_rounds = 2" for place in range(5)},
            down={"model": "refused"},
            requests={"sent": 1, "replayed": 0, "failed": 0},
            teachers=teachers,
            errors={"timeout": 1},
            quote={"off": {"requests": 1.5}},
        )
    ).splitlines()
    assert len(found) == MAX_LINES
    counts = [line.split() for line in found if line.startswith("           ")]
    assert sum(int(count) for count, *rest in counts if rest[0] == "by" or "rule" in rest[0]) == 30
    assert any("more remarks" in line for line in found)


def test_an_empty_run_divides_by_nothing() -> None:
    assert "0 kept of 0; 0 dropped" in describe(
        make_summary(rows_in=0, kept=0, dropped=0, by_rule={}, stages=[])
    )
