"""The engine's promises at random: small runs of the benchmarks that state them with figures."""

import pytest

from benchmarks.teacher.budgets import Plan, carry_out
from benchmarks.teacher.engine import hurried
from benchmarks.teacher.faults import run_seed
from benchmarks.teacher.kills import run_chain

RUNS = 60
KILLS = 8


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_question_ends_and_none_is_paid_for_twice(seed: int) -> None:
    with hurried():
        books = run_seed(seed, prompts=200, share=0.3, timeout_seconds=0.5, in_flight=32)
    assert books.broken == []
    assert books.paid_twice == 0
    assert books.answers + books.rejects.total() == 200
    assert books.drawn.total() > 40


@pytest.mark.slow
def test_no_budget_is_exceeded_at_the_server() -> None:
    with hurried():
        runs = [carry_out(Plan.draw(number)) for number in range(RUNS)]
    assert [line for run in runs for line in run.broken()] == []
    endings = [start.ending for run in runs for start in run.starts]
    assert endings.count("stopped at the budget") > RUNS / 2
    assert endings.count("everything asked") > RUNS / 10


@pytest.mark.slow
def test_what_was_answered_survives_every_kill() -> None:
    chain = run_chain(kills=KILLS, prompts=400, seed=1)
    assert chain.broken(KILLS) == []
    assert chain.calm["sent"] == chain.distinct == 400
