"""The arithmetic of training: published figures, and laws that hold for any size."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.training_arithmetic import (
    MOST_EPOCHS,
    REPETITION_DECAY,
    effective_tokens,
    pile_loss,
    plan_training,
)

AMOUNTS = st.floats(1, 1e18)


def test_the_published_fit_at_the_compute_of_the_largest_model() -> None:
    assert pile_loss(2.3e22) == pytest.approx(1.580, abs=5e-4)


@pytest.mark.parametrize(
    ("parameters", "tokens", "flops"),
    [(111e6, 2.22e9, 1.4785e18), (1.3e9, 26e9, 2.028e20), (13e9, 260e9, 2.028e22)],
)
def test_twenty_tokens_and_six_operations(parameters: float, tokens: float, flops: float) -> None:
    found = plan_training(parameters)
    assert found.tokens == pytest.approx(tokens)
    assert found.flops == pytest.approx(flops, rel=1e-4)
    assert (found.unique_tokens, found.epochs, found.effective_tokens, found.hours) == (None,) * 4
    assert not found.is_repeated_too_often


def test_only_beyond_four_epochs_is_a_warning() -> None:
    assert not plan_training(1e6, unique_tokens=2e7 / MOST_EPOCHS).is_repeated_too_often
    assert plan_training(1e6, unique_tokens=2e7 / MOST_EPOCHS - 1).is_repeated_too_often


def test_hours_follow_from_the_stated_speed() -> None:
    assert plan_training(111e6, flops_per_second=1.4785e18 / 3600).hours == pytest.approx(1, 1e-4)


def test_four_epochs_are_nearly_as_good_as_new_ones_and_forty_are_not() -> None:
    assert effective_tokens(4e9, 1e9) / 4e9 == pytest.approx(0.932, abs=1e-3)
    assert effective_tokens(40e9, 1e9) / 40e9 == pytest.approx(0.379, abs=1e-3)
    # However often it is repeated, a text is worth no more than this.
    assert effective_tokens(1e18, 1e9) == pytest.approx(1e9 * (1 + REPETITION_DECAY))


@given(AMOUNTS, AMOUNTS)
def test_repeated_tokens_are_worth_at_most_as_much_as_new_ones(tokens: float, own: float) -> None:
    worth = effective_tokens(tokens, own)
    assert min(tokens, own) * (1 - 1e-9) <= worth <= tokens
    assert effective_tokens(tokens * 1.5, own) >= worth * (1 - 1e-9)


@given(AMOUNTS, AMOUNTS)
def test_more_parameters_want_more_of_everything(parameters: float, own: float) -> None:
    small = plan_training(parameters, unique_tokens=own)
    large = plan_training(2 * parameters, unique_tokens=own)
    assert large.tokens == pytest.approx(2 * small.tokens)
    assert large.flops == pytest.approx(4 * small.flops)
    assert large.pile_loss < small.pile_loss
    assert small.epochs is not None
    assert math.isclose(small.epochs * own, small.tokens)


def test_a_dataset_without_tokens_has_no_epochs() -> None:
    assert plan_training(1e6, unique_tokens=0).epochs is None


@pytest.mark.parametrize("numbers", [(0, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)])
def test_numbers_below_zero_are_refused(numbers: tuple[int, int, int]) -> None:
    parameters, unique, speed = numbers
    with pytest.raises(ValueError, match="above 0"):
        plan_training(parameters, unique_tokens=unique, flops_per_second=speed)
