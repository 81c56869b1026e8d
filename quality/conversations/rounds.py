"""Long conversations as pieces of whole rounds, and the books of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Message = Mapping[str, str]


class Piece(NamedTuple):
    """Rounds that follow each other, numbered from 1, both ends in.

    Attributes:
        first: number of its first round.
        last: number of its last round.
        is_too_long: whether it is one round that no piece can hold.
    """

    first: int
    last: int
    is_too_long: bool = False


def split_rounds(sizes: Sequence[int], max_size: int) -> list[Piece]:
    """Cut a conversation into the fewest pieces that fit, in its order.

    A round that is too long for any piece becomes a piece of its own that says so, and no piece
    goes on behind it: what follows would answer to something that is not there.

    Args:
        sizes: of each round, in tokens.
        max_size: that a piece may have, in tokens; at most.

    Returns:
        Pieces in order; each round is in exactly one of them.

    Source:
        FastChat's `split_long_conversation.py`, https://github.com/lm-sys/FastChat, packs rounds
        greedily, too. Differs: there a last round that does not fit is lost, and a single round
        beyond the limit is emitted as it is.

    Example:
        >>> [tuple(piece) for piece in split_rounds([4, 4, 4, 99, 4], 10)]
        [(1, 2, False), (3, 3, False), (4, 4, True), (5, 5, False)]
    """
    pieces: list[Piece] = []
    filled = max_size + 1  # of the last piece; nothing fits behind it
    for number, size in enumerate(sizes, start=1):
        if size > max_size:
            pieces.append(Piece(number, number, is_too_long=True))
            filled = max_size + 1
        elif filled + size <= max_size:
            pieces[-1] = Piece(pieces[-1].first, number)
            filled += size
        else:
            pieces.append(Piece(number, number))
            filled = size
    return pieces


def rounds_of(messages: Iterable[Message]) -> list[tuple[Message, Message]]:
    """Return the rounds of a conversation that alternates, without its system turns.

    Raises:
        ValueError: if a question has no answer.
    """
    spoken = [turn for turn in messages if turn["role"] != "system"]
    return list(zip(spoken[::2], spoken[1::2], strict=True))


def system_of(messages: Iterable[Message]) -> list[Message]:
    """Return the system turns of a conversation, which every piece repeats."""
    return [turn for turn in messages if turn["role"] == "system"]


def find_imbalance(
    messages: Sequence[Message], emitted: Iterable[tuple[Piece, Sequence[Message]]]
) -> str | None:
    """Return what is wrong with the pieces of a conversation; None where the books balance.

    They do where the rounds of the pieces, one piece behind the other, are the rounds of the
    conversation, word for word, and every piece repeats its system turns.

    Args:
        messages: of the conversation.
        emitted: each piece, dropped ones too, with the messages that it became; in any order.

    Example:
        >>> talk = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
        >>> find_imbalance(talk, [(Piece(1, 1), talk)]) is None
        True
        >>> find_imbalance(talk, [])
        'expected 1 rounds, got 0 in 0 pieces'
    """
    wanted = rounds_of(messages)
    parts = sorted(emitted, key=lambda part: part[0])
    found: list[tuple[Message, Message]] = []
    for piece, turns in parts:
        if system_of(turns) != system_of(messages):
            return f"expected the system turns in piece {piece.first}-{piece.last}, got others"
        rounds = rounds_of(turns)
        if len(rounds) != piece.last - piece.first + 1 or len(found) != piece.first - 1:
            return f"expected rounds {piece.first}-{piece.last} in a piece, got {len(rounds)}"
        found += rounds
    if len(found) != len(wanted):
        return f"expected {len(wanted)} rounds, got {len(found)} in {len(parts)} pieces"
    for number, (one, other) in enumerate(zip(wanted, found, strict=True), start=1):
        if one != other:
            return f"expected round {number} as it was, got other words"
    return None
