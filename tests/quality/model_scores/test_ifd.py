"""IFD: the papers' ratio, in the papers' direction."""

import numpy as np
import pytest

from quality.model_scores import ifd, perplexity


def test_it_is_the_ratio_of_two_perplexities() -> None:
    given, alone, tokens = np.array([7.0, 2.0]), np.array([9.0, 1.0]), np.array([3.0, 2.0])
    expected = perplexity(given, tokens) / perplexity(alone, tokens)
    assert ifd(given, alone, tokens) == pytest.approx(expected)


def test_a_question_that_misleads_has_more_than_one() -> None:
    helps, useless, misleads = ifd(np.array([1.0, 5.0, 9.0]), np.full(3, 5.0), np.full(3, 4.0))
    assert helps < useless == 1.0 < misleads


@pytest.mark.parametrize(
    ("given", "alone", "tokens"), [(np.nan, 1.0, 1.0), (1.0, np.nan, 1.0), (0.0, 0.0, 0.0)]
)
def test_it_abstains_where_either_side_does(given: float, alone: float, tokens: float) -> None:
    assert np.isnan(ifd(np.array([given]), np.array([alone]), np.array([tokens]))[0])
