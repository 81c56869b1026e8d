"""How much of a task is new."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

_WORD = re.compile(r"\w+")


class Novelty:
    """Measures the share of a task's pairs of words that no earlier task has.

    Source:
        Li et al. 2016 (distinct-n), https://arxiv.org/abs/1510.03055. Differs: each text against
        those before it, so that it is a share of what is new, and costs one look a word.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._known: set[tuple[str, str]] = set()

    def measure(self, by_arm: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """Add up the novelty of the tasks of a round, and remember them.

        A task is held against all earlier rounds and the tasks before it of its own arm: which arm
        comes first in a round must not matter.

        Args:
            by_arm: texts of each arm, in their order.

        Returns:
            For each arm the sum of values in 0..1.

        Example:
            >>> seen = Novelty()
            >>> seen.measure({"a": ["Why is rain wet?", "Why is rain cold?"]})
            {'a': 1.3333333333333333}
        """
        found: dict[str, float] = {}
        fresh: set[tuple[str, str]] = set()
        for arm, texts in by_arm.items():
            own: set[tuple[str, str]] = set()
            found[arm] = sum(_share(pairs, self._known, own) for pairs in map(_pairs, texts))
            fresh |= own
        self._known |= fresh
        return found


def _pairs(text: str) -> set[tuple[str, str]]:
    words = _WORD.findall(text.casefold())
    return set(pairwise(["", *words])) if words else set()


def _share(
    pairs: Iterable[tuple[str, str]], known: set[tuple[str, str]], own: set[tuple[str, str]]
) -> float:
    pairs = set(pairs)
    new = pairs - known - own
    own |= pairs
    return len(new) / len(pairs) if pairs else 0.0
