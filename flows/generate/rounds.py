"""Rounds of a generator that proposes: how many jobs, and of which arms."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

#: Number of jobs, or pairs of arm and number where a run chose them.
Round: TypeAlias = int | tuple[tuple[str, int], ...]


def count_jobs(rounds: Sequence[Round]) -> int:
    """Return the jobs of all rounds.

    Example:
        >>> count_jobs([3, (("deepen", 2), ("broaden", 1))])
        6
    """
    return sum(
        item if isinstance(item, int) else sum(number for _, number in item) for item in rounds
    )


def list_jobs(rounds: Sequence[Round]) -> Iterator[list[tuple[int, str]]]:
    """Yield position and arm of every job, a list for each round; "" leaves the arm to the method.

    Example:
        >>> list(list_jobs([1, (("a", 2),)]))
        [[(0, '')], [(1, 'a'), (2, 'a')]]
    """
    first = 0
    for item in rounds:
        arms = [("", item)] if isinstance(item, int) else item
        names = [arm for arm, number in arms for _ in range(number)]
        yield [(first + place, arm) for place, arm in enumerate(names)]
        first += len(names)


def read_round(value: object) -> Round:
    """Return a round as JSON gives it back.

    Raises:
        ValueError: if it is none.
    """
    if isinstance(value, int):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple((str(arm), int(number)) for arm, number in value)
    msg = f"expected a number of jobs or pairs of arm and number, got {value!r}"
    raise ValueError(msg)
