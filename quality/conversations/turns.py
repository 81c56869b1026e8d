"""The order of turns: where a conversation begins and ends, and whether its speakers alternate."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Turn(NamedTuple):
    """One turn of a conversation.

    Attributes:
        role: `system`, `user` or `assistant`.
        content: what was said.
        place: its number in the record that it came in, from 0.
    """

    role: str
    content: str
    place: int


class Trimmed(NamedTuple):
    """A conversation from its first question to its last answer.

    Attributes:
        turns: what is left; system turns stay.
        before: turns cut at the beginning.
        after: turns cut at the end.
    """

    turns: tuple[Turn, ...]
    before: int
    after: int


def trim_turns(turns: Sequence[Turn]) -> Trimmed:
    """Cut answers before the first question, and questions that were never answered at the end.

    An empty answer, which a page shows where writing was stopped, is no answer.

    Args:
        turns: each with a place of its own.

    Example:
        >>> talk = [("assistant", "Hi."), ("user", "Why?"), ("assistant", "So."), ("user", "Ah.")]
        >>> turns = [Turn(*turn, place) for place, turn in enumerate(talk)]
        >>> [turn.content for turn in trim_turns(turns).turns]
        ['Why?', 'So.']
    """
    spoken = [turn for turn in turns if turn.role != "system"]
    start, end = 0, len(spoken)
    while start < end and spoken[start].role != "user":
        start += 1
    while end > start and not (spoken[end - 1].role == "assistant" and spoken[end - 1].content):
        end -= 1
    left = {turn.place for turn in spoken[start:end]}
    kept = tuple(turn for turn in turns if turn.role == "system" or turn.place in left)
    return Trimmed(kept, start, len(spoken) - end)


def find_broken_turn(turns: Iterable[Turn]) -> str | None:
    """Return where questions and answers stop taking turns, or say nothing; None where they do.

    Args:
        turns: of a trimmed conversation.

    Example:
        >>> find_broken_turn([Turn("user", "Why?", 0), Turn("user", "Tell me.", 1)])
        'turn 2: user after user'
    """
    before = "assistant"
    for turn in turns:
        if turn.role == "system":
            continue
        if turn.role == before:
            return f"turn {turn.place + 1}: {turn.role} after {before}"
        if not turn.content:
            return f"turn {turn.place + 1}: {turn.role} says nothing"
        before = turn.role
    return None


def first_exchange_key(messages: Iterable[Mapping[str, str]]) -> str:
    r"""Return a key that two conversations share where their first exchanges say the same.

    Case and white space do not matter.

    Args:
        messages: turns with `role` and `content`; the first question and the first answer count.

    Example:
        >>> one = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "You  too"}]
        >>> two = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "you\ntoo"}]
        >>> first_exchange_key(one) == first_exchange_key([*two, {"role": "user", "content": "?"}])
        True
    """
    first: dict[str, str] = {}
    for turn in messages:
        first.setdefault(turn["role"], " ".join(turn["content"].casefold().split()))
    text = f"{first.get('user', '')}\n{first.get('assistant', '')}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
