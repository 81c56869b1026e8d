"""Jobs go where rows cost least, by the same draws every time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.spending.bandit import ArmRecord, fade, share_evenly, share_out

RECORDS = st.lists(
    st.builds(
        ArmRecord, st.text("abcdef", min_size=1, max_size=3), st.floats(0, 1e6), st.floats(0, 1e9)
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda record: record.arm,
)


@given(RECORDS, st.integers(0, 200), st.floats(0, 1), st.text(max_size=5), st.integers(0, 99))
def test_every_job_has_an_arm_and_the_order_of_records_does_not_matter(
    records: list[ArmRecord], jobs: int, explore: float, key: str, turn: int
) -> None:
    found = share_out(records, jobs, explore=explore, key=key, turn=turn)
    assert sum(found.values()) == jobs
    assert list(found) == sorted(record.arm for record in records)
    assert min(found.values()) >= 0
    again = share_out(records[::-1], jobs, explore=explore, key=key, turn=turn)
    assert again == found


@given(st.integers(1, 9), st.integers(0, 60), st.integers(0, 60))
def test_even_shares_differ_by_one_at_most_and_turns_even_them_out(
    arms: int, first: int, second: int
) -> None:
    names = [str(n) for n in range(arms)]
    one, two = share_evenly(names, first), share_evenly(names, second, turn=first)
    both = [one[name] + two[name] for name in names]
    assert sum(both) == first + second
    assert max(both) - min(both) <= 1


def test_without_any_gain_all_get_the_same() -> None:
    records = [ArmRecord(arm, 0.0, cost) for arm, cost in (("a", 5.0), ("b", 500.0))]
    assert share_out(records, 10, explore=0.0, key="k") == {"a": 5, "b": 5}


def test_the_same_gain_at_less_cost_gets_more() -> None:
    records = [ArmRecord("cheap", 30.0, 1_000.0), ArmRecord("dear", 30.0, 9_000.0)]
    found = share_out(records, 100, explore=0.0, key="k")
    assert found["cheap"] > 95


def test_an_arm_nobody_tried_is_tried() -> None:
    records = [ArmRecord("known", 3.0, 300.0), ArmRecord("new", 0.0, 0.0)]
    assert share_out(records, 100, explore=0.0, key="k")["new"] > 20


def test_exploring_keeps_a_share_for_everybody() -> None:
    records = [ArmRecord("good", 1e4, 1e4), *(ArmRecord(f"p{n}", 0.0, 1e4) for n in range(4))]
    found = share_out(records, 100, explore=0.5, key="k")
    assert min(found.values()) >= 10


def test_another_round_draws_other_numbers() -> None:
    records = [ArmRecord("a", 1.0, 10.0), ArmRecord("b", 1.0, 10.0)]
    drawn = {tuple(share_out(records, 31, explore=0.0, key=str(n)).values()) for n in range(20)}
    assert len(drawn) > 3


def test_what_is_past_fades() -> None:
    found = fade({"a": ArmRecord("a", 10.0, 100.0)}, 0.5)
    assert found == {"a": ArmRecord("a", 5.0, 50.0)}


@pytest.mark.parametrize("seed", range(5))
def test_simulated_arms_with_known_yields_cost_less_than_a_fixed_schedule(seed: int) -> None:
    """Twelve arms, most of them poor; what it takes until sixty rows are there."""
    import random

    yields = [0.6, 0.5, *[0.05] * 10]
    spent = {}
    for adapt in (False, True):
        rng = random.Random(seed)
        records = {f"{n:02}": ArmRecord(f"{n:02}", 0.0, 0.0) for n in range(12)}
        rows = jobs = 0
        while rows < 60:
            if adapt and jobs:
                share = share_out(list(records.values()), 40, explore=0.1, key=f"{seed}:{jobs}")
            else:
                share = share_evenly(list(records), 40, turn=jobs)
            for arm, number in share.items():
                won = sum(rng.random() < yields[int(arm)] for _ in range(number))
                old = records[arm]
                records[arm] = ArmRecord(arm, old.gain + won, old.cost + 100 * number)
                rows += won
                jobs += number
        spent[adapt] = jobs
    assert spent[True] < 0.75 * spent[False]
