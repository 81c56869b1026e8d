"""From ratings of several answers to the best and the worst of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Ranked:
    """Answers to one task after rating.

    Attributes:
        means: over the aspects, one an answer.
        best: position of the answer with the highest mean; the first of several.
        worst: position of the one with the lowest; the last of several.
    """

    means: tuple[float, ...]
    best: int
    worst: int

    @property
    def margin(self) -> float:
        """Points between best and worst."""
        return self.means[self.best] - self.means[self.worst]


def rank_by_aspects(scores: Mapping[str, Sequence[float]]) -> Ranked:
    """Rank answers by the mean of their ratings.

    Args:
        scores: by aspect, one an answer, all of the same length, at least one of each.

    Source:
        Cui et al. 2023 (UltraFeedback), https://arxiv.org/abs/2310.01377. Differs: no overall
        score is asked for, which in the original contradicted the aspects in 2,628 rows; a
        comparison of best and worst has to confirm them instead.

    Example:
        >>> rank_by_aspects({"honesty": [5, 2, 4], "helpfulness": [4, 3, 5]})
        Ranked(means=(4.5, 2.5, 4.5), best=0, worst=1)
    """
    means = tuple(fmean(values) for values in zip(*scores.values(), strict=True))
    places = range(len(means))
    best = max(places, key=lambda place: (means[place], -place))
    worst = min(places, key=lambda place: (means[place], -place))
    return Ranked(means, best, worst)
