from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.select.quotas import apportion, group_rows


@pytest.mark.parametrize(
    ("shares", "seats", "most", "given_out"),
    [
        ([1.0], 5, [9], [5]),
        ([1.0], 5, [3], [3]),
        ([0.5, 0.5], 5, [9, 9], [3, 2]),  # ties go to the first
        ([1 / 3, 1 / 3, 1 / 3], 10, [9, 9, 9], [4, 3, 3]),
        ([0.29, 0.71], 100, [99, 99], [29, 71]),  # 0.29 * 100 is 28.999999999999996
        ([0.1, 0.2, 0.7], 3, [9, 9, 9], [0, 1, 2]),
        ([0.6, 0.4], 10, [2, 9], [2, 8]),
        ([0.6, 0.4, 0.0], 10, [2, 3, 9], [2, 3, 5]),  # no share: only what nobody else can fill
        ([0.0, 0.0], 3, [2, 2], [2, 1]),
        ([0.5, 0.5], 0, [9, 9], [0, 0]),
        ([], 3, [], []),
    ],
)
def test_seats_are_given_out_by_share(
    shares: list[float], seats: int, most: list[int], given_out: list[int]
) -> None:
    assert apportion(shares, seats, most) == given_out


groups = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=7)


@given(groups, st.integers(0, 60))
def test_no_seat_is_lost_and_none_is_over_the_limit(
    drawn: list[tuple[int, int]], seats: int
) -> None:
    weights, most = (list(side) for side in zip(*drawn, strict=True))
    found = apportion([weight / 10 for weight in weights], seats, most)
    assert sum(found) == min(seats, sum(most))
    assert all(0 <= one <= limit for one, limit in zip(found, most, strict=True))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=7), st.integers(0, 500))
def test_with_room_enough_every_share_is_met_to_a_seat(weights: list[int], seats: int) -> None:
    found = apportion([weight / 100 for weight in weights], seats, [seats] * len(weights))
    for one, weight in zip(found, weights, strict=True):
        assert abs(one - Fraction(weight * seats, sum(weights))) < 1


POOL = pl.Series(["code", None, "maths", "code"])


def test_kept_shares_are_those_of_the_pool() -> None:
    found = group_rows(pl.Series(["maths", "code", None]), "keep", POOL)
    assert found.names == ("code", "maths", "none")
    assert found.shares == (0.5, 0.25, 0.25)
    assert found.members.to_list() == [1, 0, 2]


def test_values_that_are_not_named_are_one_group() -> None:
    found = group_rows(POOL, {"maths": 0.1, "poems": 0.2}, POOL)
    assert found.names == ("maths", "poems", "all others")
    assert found.shares == (0.1, 0.2, 0.7)
    assert found.members.to_list() == [2, 2, 0, 2]
    # In floating point 0.1 + 0.2 + 0.7 is less than 1.
    assert group_rows(POOL, {"a": 0.1, "b": 0.2, "c": 0.7}, POOL).shares[-1] == 0


def test_without_quotas_all_rows_are_one_group() -> None:
    found = group_rows(POOL, None, POOL)
    assert (found.names, found.shares) == (("all others",), (1.0,))
    assert found.members.to_list() == [0, 0, 0, 0]


def test_no_rows_make_no_groups() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert group_rows(empty, "keep", empty)[:2] == ((), ())
