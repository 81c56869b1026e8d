"""Both orders, or nothing."""

import itertools

import pytest

from quality.judging.pairs import (
    BothOrders,
    Verdict,
    combine_winners,
    drops_of,
    known_values,
    order_consistency,
    position_bias,
)
from quality.judging.verdicts import Abstention, Preference


def said(better: str | None) -> Verdict:
    return Abstention("cut") if better is None else Preference(better, "Why.")  # type: ignore[arg-type]


def both(forward: str | None, backward: str | None) -> BothOrders:
    return BothOrders(said(forward), said(backward))


@pytest.mark.parametrize(
    ("forward", "backward", "winner"),
    [
        ("first", "second", "a"),
        ("second", "first", "b"),
        ("first", "first", "tie"),  # always the first
        ("second", "second", "tie"),
        ("tie", "tie", "tie"),
        ("first", "tie", "tie"),
        ("tie", "second", "tie"),
        (None, "second", None),
        ("first", None, None),
        (None, None, None),
    ],
)
def test_a_winner_has_won_in_both_orders(
    forward: str | None, backward: str | None, winner: str | None
) -> None:
    assert both(forward, backward).winner == winner


def test_turning_a_pair_turns_its_winner() -> None:
    turned = {"a": "b", "b": "a", "tie": "tie", None: None}
    options = ("first", "second", "tie", None)
    for forward, backward in itertools.product(options, options):
        assert both(backward, forward).winner == turned[both(forward, backward).winner]


@pytest.mark.parametrize(
    ("winners", "wanted"),
    [
        ([], None),
        ([None], None),
        (["a"], "a"),
        (["a", None], "a"),
        (["a", "b"], "tie"),
        (["a", "tie"], "tie"),
        (["a", "a", "b"], "a"),
        (["a", "tie", "b"], "tie"),
        (["b", "b", "tie"], "b"),
        (["a", "a", "tie", "b"], "tie"),
    ],
)
def test_judges_are_combined_by_their_median(winners: list, wanted: str | None) -> None:
    for order in itertools.permutations(winners):
        assert combine_winners(order) == wanted


def test_a_judge_that_always_takes_the_first_is_found_out() -> None:
    pairs = [both("first", "first")] * 40
    assert position_bias(pairs).value == 1.0
    assert order_consistency(pairs).value == 0.0


def test_a_fair_judge_is_not() -> None:
    pairs = [both("first", "second"), both("second", "first")] * 20
    assert position_bias(pairs).value == 0.5
    assert order_consistency(pairs).value == 1.0


def test_ties_and_abstentions_are_no_positions() -> None:
    pairs = [both("tie", "tie"), both(None, "first"), both("first", "tie")]
    assert (position_bias(pairs).value, position_bias(pairs).n) == (1.0, 1)
    assert (order_consistency(pairs).value, order_consistency(pairs).n) == (0.5, 2)


def test_values_of_winners() -> None:
    winners = {"w": "a", "x": "b", "y": "tie", "z": None}
    assert known_values(winners) == {"w": 1.0, "x": 0.0, "y": 0.5}  # type: ignore[arg-type]
    assert drops_of(winners) == {"w": 1.0, "x": -1.0, "y": 0.0, "z": None}  # type: ignore[arg-type]
