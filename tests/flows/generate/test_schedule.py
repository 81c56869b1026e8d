"""Rounds from what became of those before; nothing else enters."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flows.generate.costs import Cost
from flows.generate.rounds import count_jobs
from flows.generate.schedule import Schedule
from schemas.frames import ROWS
from schemas.recipe import SelfInstructOptions, SpendingOptions

WORDS = [
    "red",
    "blue",
    "green",
    "old",
    "new",
    "tall",
    "small",
    "wide",
    "dark",
    "cold",
    "warm",
    "loud",
    "calm",
    "sweet",
    "sour",
]


def schedule(
    target: int = 20, arms: tuple[str, ...] = ("good", "poor"), **spending: Any
) -> Schedule:
    method = SimpleNamespace(tasks_per_job=1, arms=arms, kit=SimpleNamespace(seed=0, name="s"))
    options = SelfInstructOptions(kind="self_instruct", target=target)
    return Schedule(method, options, SpendingOptions(**spending))  # type: ignore[arg-type]


def rows(**by_arm: int) -> pl.DataFrame:
    """Accepted rows, the same ones first however many there are."""
    lines = [
        {"id": f"{arm}-{n}", "source": "s", "arm": arm, "input": "",
         "instruction": f"{arm} {WORDS[n % 15]} {WORDS[n // 15 % 15]} {n}"}
        for arm, number in by_arm.items() for n in range(number)
    ]  # fmt: skip
    return pl.DataFrame(lines, schema=dict(ROWS))


def spent(**by_arm: int) -> dict[str, Any]:
    return {
        arm: asdict(Cost(jobs, jobs, 50 * jobs, 50 * jobs, 0.0)) for arm, jobs in by_arm.items()
    }


def test_without_adapting_a_round_is_a_number() -> None:
    plan = schedule()
    assert plan.next_round([]) == 20
    assert plan.note(rows(good=10), [spent(good=20)]) == 10
    assert plan.next_round([20]) == 25


def test_a_method_without_arms_has_nothing_to_adapt() -> None:
    assert schedule(arms=(), adapt=True).next_round([]) == 20


def test_the_first_round_is_even_and_the_next_goes_where_rows_are() -> None:
    plan = schedule(adapt=True)
    first = plan.next_round([])
    assert first == (("good", 10), ("poor", 10))
    plan.note(rows(good=8), [spent(good=10, poor=10)])
    second = dict(plan.next_round([first]))  # type: ignore[arg-type]
    assert second["good"] > 2 * second["poor"]


def test_the_same_books_give_the_same_plan() -> None:
    plans = []
    for _ in range(2):
        plan, made = schedule(adapt=True), []
        for number in range(1, 5):
            made.append(plan.next_round(made))
            plan.note(rows(good=4 * number, poor=number), [spent(good=9, poor=9)] * number)
        plans.append(made)
    assert plans[0] == plans[1]


def test_rounds_that_a_refresh_goes_through_again_come_in_one_lump() -> None:
    plan = schedule(adapt=True)
    first = plan.next_round([])
    assert count_jobs([first]) == 20
    assert plan.note(rows(good=5), [spent(good=5), spent(poor=5), spent(good=10, poor=10)]) == 5
    assert dict(plan.next_round([first]))["good"] > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("floor", "stops"), [({"min_novelty_per_1k_tokens": 2.0}, True), ({}, False),
                         ({"min_novelty_per_1k_tokens": 0.001}, False),
                         ({"min_novelty_per_usd": 100.0}, False)],
)  # fmt: skip
def test_a_run_without_news_stops_at_its_floor(floor: dict[str, float], stops: bool) -> None:
    plan = schedule(**floor)
    plan.note(rows(good=1), [spent(good=20)])
    assert plan.stop() is None  # one round is not yet `patience`
    plan.note(rows(good=2), [spent(good=20)] * 2)
    found = plan.stop()
    assert (found is not None) is stops
    if found is not None:
        assert found.startswith("min_novelty_per_1k_tokens = 2: the last 2 rounds gave ")


def test_money_counts_where_there_is_a_price() -> None:
    plan = schedule(min_novelty_per_usd=10.0, patience=1)
    plan.note(rows(good=1), [{"good": asdict(Cost(1, 1, 10, 10, 1.0))}])
    assert (plan.stop() or "").startswith("min_novelty_per_usd = 10: the last 1 rounds gave")
