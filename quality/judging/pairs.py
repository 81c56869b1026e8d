"""Two answers to one task, judged in both orders: a judge that changes sides has no opinion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from quality.intervals import Interval, share
from quality.judging.verdicts import Abstention, Preference

Winner = Literal["a", "b", "tie"]
Verdict = Preference | Abstention

_VALUE: Final[Mapping[Winner, int]] = {"a": 1, "tie": 0, "b": -1}


@dataclass(frozen=True, slots=True)
class BothOrders:
    """What one judge said about a pair.

    Attributes:
        forward: with answer a first.
        backward: with answer b first.
    """

    forward: Verdict
    backward: Verdict

    @property
    def winner(self) -> Winner | None:
        """The answer that won in both orders, else a tie; null where either has no verdict.

        Source:
            Zheng et al. 2023, https://arxiv.org/abs/2306.05685.
        """
        if isinstance(self.forward, Abstention) or isinstance(self.backward, Abstention):
            return None
        first = _NAMED_FORWARD[self.forward.better]
        return first if first == _NAMED_BACKWARD[self.backward.better] else "tie"


_NAMED_FORWARD: Final[Mapping[str, Winner]] = {"first": "a", "second": "b", "tie": "tie"}
_NAMED_BACKWARD: Final[Mapping[str, Winner]] = {"first": "b", "second": "a", "tie": "tie"}


def combine_winners(winners: Sequence[Winner | None]) -> Winner | None:
    """Return what several judges make of a pair: their median; half a vote is a tie.

    Args:
        winners: of each judge; null where it abstained.

    Example:
        >>> combine_winners(["a", "tie", "a"]), combine_winners(["a", "tie", None])
        ('a', 'tie')
    """
    values = [_VALUE[winner] for winner in winners if winner is not None]
    if not values:
        return None
    middle = median(values)
    return "tie" if abs(middle) < 1 else ("a" if middle > 0 else "b")


def known_values(winners: Mapping[str, Winner | None]) -> dict[str, float]:
    """Return 1 where a won, 0.5 for a tie, 0 where b won, without those that have no verdict."""
    return {
        name: (_VALUE[winner] + 1) / 2 for name, winner in winners.items() if winner is not None
    }


def drops_of(winners: Mapping[str, Winner | None]) -> dict[str, float | None]:
    """Return how far a, the honest answer, was ahead of the trap: 1, 0 or -1; null as given."""
    return {
        name: None if winner is None else float(_VALUE[winner]) for name, winner in winners.items()
    }


def position_bias(pairs: Sequence[BothOrders]) -> Interval:
    """Return the share of decided verdicts that are for the answer shown first; 0.5 is fair.

    Args:
        pairs: verdicts of one judge, both orders of every pair, so that the better answer is
            shown first as often as second.
    """
    sides = [
        verdict.better
        for pair in pairs
        if pair.winner is not None
        for verdict in (pair.forward, pair.backward)
        if isinstance(verdict, Preference) and verdict.better != "tie"
    ]
    return share(sides.count("first"), len(sides))


def order_consistency(pairs: Sequence[BothOrders]) -> Interval:
    """Return the share of pairs for which both orders say the same."""
    said = [
        (_NAMED_FORWARD[pair.forward.better], _NAMED_BACKWARD[pair.backward.better])
        for pair in pairs
        if isinstance(pair.forward, Preference) and isinstance(pair.backward, Preference)
    ]
    return share(sum(forward == backward for forward, backward in said), len(said))
