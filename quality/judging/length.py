"""Ratings beside what is left of them at equal length: judges like long answers."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from quality.intervals import Floats, Interval, Places, bootstrap, bootstrap_each, mean

_FEWEST: Final = 10  # rated rows of a group that is worth a line
_RIDGE: Final = 1e-3
_STEPS: Final = 25
_DONE: Final = 1e-6
_NO_SPREAD: Final = 1e-10


class Group(NamedTuple):
    """The ratings of one group of rows.

    Attributes:
        name: of the group.
        raw: mean rating.
        controlled: the mean it would have if its answers were as long as all answers are on
            average, were the effect of length the same everywhere.
        characters: median length of its answers.
    """

    name: str
    raw: Interval
    controlled: Interval
    characters: float


def length_correlation(scores: Sequence[float], lengths: Sequence[int]) -> Interval:
    """Return Spearman's correlation of ratings with the length of the answers.

    Args:
        scores: ratings.
        lengths: characters of the answers.

    Returns:
        Null where all ratings, or all lengths, are the same.

    Example:
        >>> length_correlation([1, 2, 3, 5], [10, 25, 30, 90]).value
        1.0
    """
    left, right = np.array(scores, np.float64), np.array(lengths, np.float64)
    return bootstrap(lambda at: _spearman(left[at], right[at]), len(left))


def groups_by_length(
    scores: Sequence[float], lengths: Sequence[int], names: Sequence[str]
) -> list[Group]:
    """Return the mean rating of each group, raw and at equal length.

    Args:
        scores: ratings, one a row.
        lengths: characters of the answers.
        names: group of each row.

    Returns:
        The groups of at least ten rows, largest first, ties by name. The controlled mean comes
        from least squares of the rating on the group and the logarithm of the length.
    """
    score = np.array(scores, np.float64)
    size = np.log1p(np.array(lengths, np.float64))
    known, place, counts = np.unique(
        np.array(names, np.str_), return_inverse=True, return_counts=True
    )
    if not len(score):
        return []
    controlled = bootstrap_each(
        lambda at: _controlled_means(score[at], size[at], place[at], len(known)), len(score)
    )
    order = [number for number in np.lexsort((known, -counts)) if counts[number] >= _FEWEST]
    return [
        Group(
            str(known[number]),
            mean(score[place == number]),
            controlled[number],
            float(np.expm1(np.median(size[place == number])).round()),
        )
        for number in order
    ]


def win_rate(outcomes: Sequence[float]) -> Interval:
    """Return the share of comparisons that the first of two won; ties count half.

    Args:
        outcomes: 1 won, 0.5 tie, 0 lost.
    """
    return mean(np.array(outcomes, np.float64))


def controlled_win_rate(outcomes: Sequence[float], gaps: Sequence[int]) -> Interval:
    """Return the win rate that is left when both answers are equally long.

    A logistic model of the outcome with the hyperbolic tangent of the standardised length gap; the
    rate is what it says at a gap of nothing.

    Args:
        outcomes: 1 won, 0.5 tie, 0 lost.
        gaps: characters of the first minus those of the second.

    Source:
        Dubois et al. 2024, https://arxiv.org/abs/2404.04475. Differs: no term for how hard the
        instruction is, which needs many models; a slight ridge, so that a clean sweep is finite.
    """
    values, gap = np.array(outcomes, np.float64), np.array(gaps, np.float64)
    scale = float(gap.std()) if len(gap) else 0.0
    term = np.tanh(gap / scale) if scale else np.zeros_like(gap)
    return bootstrap(lambda at: _at_no_gap(values[at], term[at]), len(values))


def _at_no_gap(values: Floats, term: Floats) -> float:
    """Fit the logistic model by Newton's method and read it at a gap of 0."""
    design = np.stack([np.ones_like(term), term], axis=1)
    weights = np.zeros(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-(design @ weights)))
        slope = design.T @ (values - chance) - _RIDGE * weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(curve, slope)
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < _DONE:
            break
    return float(1 / (1 + np.exp(-weights[0])))


def _controlled_means(score: Floats, size: Floats, place: Places, groups: int) -> Floats:
    """Mean rating of each group at the mean length of all rows; NaN where a group has none.

    The slope is that of least squares with a mean of its own for every group.
    """
    counts = np.bincount(place, minlength=groups)
    with np.errstate(invalid="ignore"):
        score_means = np.bincount(place, score, minlength=groups) / counts
        size_means = np.bincount(place, size, minlength=groups) / counts
    inner = size - size_means[place]
    spread = float(inner @ inner)
    slope = float(inner @ (score - score_means[place])) / spread if spread > _NO_SPREAD else 0.0
    means: Floats = score_means - slope * (size_means - size.mean())
    return means


def _spearman(left: Floats, right: Floats) -> float:
    first, second = _ranks(left), _ranks(right)
    spread = first.std() * second.std()
    if not spread:
        return float("nan")
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread)


def _ranks(values: Floats) -> Floats:
    """Ranks from 0; ties share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Floats = (last - counts + last - 1) / 2
    return mean[place]
