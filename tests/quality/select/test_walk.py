from collections.abc import Sequence

import pytest

from quality.select.walk import Queue, Room, take_rows


def queues(*given: tuple[float, Sequence[int]]) -> list[Queue]:
    return [Queue(share, iter(rows), len(rows)) for share, rows in given]


def test_groups_take_turns_by_share() -> None:
    found = take_rows(queues((0.75, range(10, 20)), (0.25, range(20, 30))), 8)
    assert found.rows == [10, 11, 20, 12, 13, 14, 21, 15]


def test_every_beginning_of_a_walk_has_the_shares() -> None:
    shares = (0.5, 0.3, 0.2)
    given = queues(*((share, range(n * 100, n * 100 + 50)) for n, share in enumerate(shares)))
    found = take_rows(given, 50).rows
    for length in range(1, 51):
        for group, share in enumerate(shares):
            here = sum(row // 100 == group for row in found[:length])
            assert abs(here - share * length) <= 1


def test_what_a_group_leaves_empty_goes_to_the_others() -> None:
    # The first promised ten rows and had one.
    given = [Queue(0.8, iter([1]), 10), *queues((0.2, range(20, 30)))]
    assert take_rows(given, 5).rows == [1, 20, 21, 22, 23]


def test_without_a_limit_all_rows_are_taken() -> None:
    found = take_rows(queues((0.5, [3, 1]), (0.5, [2])), None)
    assert sorted(found.rows) == [1, 2, 3]
    assert take_rows([], 3).rows == []


@pytest.mark.parametrize(
    ("sizes", "max_tokens", "taken", "misfits", "is_out"),
    [
        # The mean is 4: with 4 or more left a misfit is passed over, with less it ends the walk.
        ([6, 5, 3, 2], 10, [0, 2], {1: 4, 3: 1}, True),
        ([7, 5, 3, 1], 10, [0], {1: 3}, True),
        ([40, 1, 1, 1], 10, [1, 2, 3], {0: 10}, False),
        ([None, 2, 2, 2], 4, [1, 2], {0: 4, 3: 0}, True),
        ([0, 0, 0, 0], 1, [0, 1, 2, 3], {}, False),
    ],
)
def test_a_walk_ends_when_an_average_row_has_no_room(
    sizes: list[int | None],
    max_tokens: int,
    taken: list[int],
    misfits: dict[int, int],
    is_out: bool,
) -> None:
    found = take_rows(queues((1.0, range(4))), None, Room(sizes, max_tokens))
    assert (found.rows, found.misfits, found.is_out_of_tokens) == (taken, misfits, is_out)
    assert found.tokens == sum(sizes[row] or 0 for row in taken)


def test_who_is_told_knows_every_row_before_the_next_is_asked_for() -> None:
    told: list[int] = []

    def ask():
        for row in range(3):
            assert told == list(range(row))
            yield row

    take_rows([Queue(1.0, ask(), 3)], None, None, told.append)
    assert told == [0, 1, 2]


def test_a_seat_waits_for_the_next_row_that_fits() -> None:
    room = Room([1, 50, 1, 1], 49)
    found = take_rows(queues((0.5, [1, 2]), (0.5, [0, 3])), 2, room)
    assert found.rows == [2, 0]
