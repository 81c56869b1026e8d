"""Takes rows from the queues of several groups until the budget is used up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quality.select.quotas import apportion


class Queue(NamedTuple):
    """The rows of one group, the best first.

    Attributes:
        share: of the budget.
        rows: row numbers, asked for one after another; may depend on what was taken before.
        most: how many rows it gives at most.
    """

    share: float
    rows: Iterator[int]
    most: int


@dataclass(slots=True)
class Taken:
    """What a walk took.

    Attributes:
        rows: in the order in which they were taken.
        misfits: rows that there was no room for, with the tokens left at that moment.
        tokens: of the rows taken.
        is_out_of_tokens: whether tokens ended the walk.
    """

    rows: list[int] = field(default_factory=list)
    misfits: dict[int, int] = field(default_factory=dict)
    tokens: int = 0
    is_out_of_tokens: bool = False


class Room:
    """Tells which rows a budget of tokens has room for.

    A row that does not fit is passed over and the walk goes on, so that one long row wastes
    nothing. The walk ends at the first misfit that comes when less is left than an average row
    takes: else the end of every selection would be a hunt for short rows. A row that is larger
    than the whole budget, or whose size is unknown, never fits and never ends the walk.
    """

    def __init__(self, sizes: Sequence[int | None], max_tokens: int) -> None:
        """Take the sizes of all rows.

        Args:
            sizes: tokens of each row; None where unknown.
            max_tokens: the budget.
        """
        self._sizes, self._max_tokens = sizes, max_tokens
        known = [size for size in sizes if size is not None]
        self._mean = sum(known) / max(1, len(known))

    def put(self, row: int, taken: Taken) -> bool:
        """Count the tokens of a row, or note that there is no room for it."""
        size, left = self._sizes[row], self._max_tokens - taken.tokens
        if size is not None and size <= left:
            taken.tokens += size
            return True
        taken.misfits[row] = left
        may_end = size is not None and size <= self._max_tokens
        taken.is_out_of_tokens = may_end and left < self._mean
        return False


def take_rows(
    queues: Sequence[Queue],
    max_rows: int | None,
    room: Room | None = None,
    on_take: Callable[[int], None] | None = None,
) -> Taken:
    """Take rows from queues so that the groups have their shares wherever the walk ends.

    The next row comes from the group that is furthest behind: the one of the lowest
    `(taken + 0.5) / share` (Sainte-Laguë) among those with seats left. Seats are apportioned by
    share; those that a group leaves empty are given out again among the others.

    Args:
        queues: one a group.
        max_rows: rows to take; None: no limit.
        room: budget of tokens; None: no limit.
        on_take: told of every row taken, before the next one is asked for.

    Returns:
        What was taken.

    Example:
        >>> queues = [Queue(0.5, iter([0, 2, 4]), 3), Queue(0.5, iter([1]), 1)]
        >>> take_rows(queues, 3).rows
        [0, 1, 2]
    """
    taken = Taken()
    counts = [0] * len(queues)
    left = [queue.most for queue in queues]
    while any(left) and not taken.is_out_of_tokens:
        wanted = sum(left) if max_rows is None else max_rows - len(taken.rows)
        seats = apportion([queue.share for queue in queues], wanted, left)
        if not any(seats):
            break
        while any(seats) and not taken.is_out_of_tokens:
            group = _furthest_behind(queues, counts, seats)
            row = next(queues[group].rows, None)
            if row is None:
                seats[group] = left[group] = 0
                continue
            left[group] -= 1
            if room is None or room.put(row, taken):
                taken.rows.append(row)
                counts[group] += 1
                seats[group] -= 1
                if on_take is not None:
                    on_take(row)
            # A seat stays empty for the group's next row, if there is one.
            seats[group] = min(seats[group], left[group])
    return taken


def _furthest_behind(queues: Sequence[Queue], counts: Sequence[int], seats: Sequence[int]) -> int:
    """Return the group with empty seats that is furthest behind its share; the first of equals."""
    return min(
        (group for group, free in enumerate(seats) if free),
        key=lambda group: ((counts[group] + 0.5) / (queues[group].share or 1e-12), group),
    )
