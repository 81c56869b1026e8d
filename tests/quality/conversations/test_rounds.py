from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.rounds import Piece, find_imbalance, rounds_of, split_rounds

SIZES = st.lists(st.integers(1, 60), max_size=30)


@given(SIZES, st.integers(-5, 80))
def test_every_round_is_in_one_piece_and_no_piece_is_too_long(sizes: list[int], most: int) -> None:
    pieces = split_rounds(sizes, most)
    numbers = [n for piece in pieces for n in range(piece.first, piece.last + 1)]
    assert numbers == list(range(1, len(sizes) + 1))
    for piece in pieces:
        total = sum(sizes[piece.first - 1 : piece.last])
        assert (total > most) == piece.is_too_long
        assert not piece.is_too_long or piece.first == piece.last


@given(SIZES, st.integers(1, 80))
def test_neighbours_would_not_fit_together(sizes: list[int], most: int) -> None:
    pieces = split_rounds(sizes, most)
    for left, right in pairwise(pieces):
        if not (left.is_too_long or right.is_too_long):
            assert sum(sizes[left.first - 1 : right.first]) > most


def test_the_two_faults_of_the_original_are_none_here() -> None:
    assert split_rounds([6, 6], 10) == [Piece(1, 1), Piece(2, 2)]
    assert split_rounds([11], 10) == [Piece(1, 1, is_too_long=True)]
    assert split_rounds([], 10) == []
    assert split_rounds([10], 10) == [Piece(1, 1)]


def test_nothing_goes_on_behind_a_gap() -> None:
    assert split_rounds([1, 99, 1, 1], 10) == [
        Piece(1, 1),
        Piece(2, 2, is_too_long=True),
        Piece(3, 4),
    ]


def talk(count: int) -> list[dict[str, str]]:
    system = {"role": "system", "content": "Be kind."}
    spoken = [
        {"role": role, "content": f"{role} {n}"}
        for n in range(1, count + 1)
        for role in ("user", "assistant")
    ]
    return [system, *spoken]


def parts_of(messages: list[dict[str, str]], pieces: list[Piece]):
    return [
        (piece, [messages[0], *messages[2 * piece.first - 1 : 2 * piece.last + 1]])
        for piece in pieces
    ]


@given(SIZES.filter(bool), st.integers(1, 80), st.randoms(use_true_random=False))
def test_what_is_split_balances_in_any_order(sizes: list[int], most: int, rng) -> None:
    messages = talk(len(sizes))
    parts = parts_of(messages, split_rounds(sizes, most))
    rng.shuffle(parts)
    assert find_imbalance(messages, parts) is None


@given(st.integers(2, 12), st.data())
def test_what_is_lost_repeated_or_changed_does_not(count: int, data) -> None:
    messages = talk(count)
    parts = parts_of(messages, split_rounds([1] * count, 2))
    spoiled = data.draw(st.integers(0, len(parts) - 1))
    piece, turns = parts[spoiled]
    other = [*turns[:-1], {"role": "assistant", "content": "something else"}]
    assert find_imbalance(messages, parts[:spoiled] + parts[spoiled + 1 :])
    assert find_imbalance(messages, [*parts, parts[spoiled]])
    assert find_imbalance(messages, [*parts[:spoiled], (piece, other), *parts[spoiled + 1 :]])
    assert find_imbalance(messages, [*parts[:spoiled], (piece, turns[1:]), *parts[spoiled + 1 :]])


def test_rounds_are_pairs() -> None:
    assert [answer["content"] for _, answer in rounds_of(talk(2))] == ["assistant 1", "assistant 2"]
