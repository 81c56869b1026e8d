"""Perplexity: at least 1, and no number where nothing was read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.model_scores import perplexity


@pytest.mark.parametrize(
    ("nats", "tokens", "expected"),
    [(0.0, 5.0, 1.0), (3 * np.log(2), 3.0, 2.0), (5.0, 1.0, np.exp(5.0))],
)
def test_it_is_the_inverse_geometric_mean(nats: float, tokens: float, expected: float) -> None:
    assert perplexity(np.array([nats]), np.array([tokens]))[0] == pytest.approx(expected)


@pytest.mark.parametrize(("nats", "tokens"), [(np.nan, 4.0), (1.0, 0.0), (np.nan, np.nan)])
def test_what_was_not_read_has_none(nats: float, tokens: float) -> None:
    assert np.isnan(perplexity(np.array([nats]), np.array([tokens]))[0])


@given(st.lists(st.floats(0, 300), min_size=1, max_size=9), st.integers(1, 500))
def test_an_answer_said_twice_has_the_same(nats: list[float], tokens: int) -> None:
    once, counts = np.array(nats), np.full(len(nats), float(tokens))
    assert perplexity(2 * once, 2 * counts) == pytest.approx(perplexity(once, counts))
    assert (perplexity(once, counts) >= 1).all()
