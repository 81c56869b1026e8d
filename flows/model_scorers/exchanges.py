"""What was asked and what was answered, for each answer of a row."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from quality.formats.parse import Message


class Exchange(NamedTuple):
    """One answer.

    Attributes:
        before: the turns before it, in order.
        answer: its text, never empty.
    """

    before: tuple[Message, ...]
    answer: str


def exchanges_of(row: Mapping[str, Any]) -> list[Exchange]:
    r"""Return the answers of a row, each with all that was said before it.

    Args:
        row: one row of ROWS; a row without `messages` is one question and its answer.

    Returns:
        In order; empty where nothing was answered.

    Example:
        >>> row = {"system": "", "instruction": "Add.", "input": "1, 2", "output": "3"}
        >>> exchanges_of(row)
        [Exchange(before=({'role': 'user', 'content': 'Add.\n\n1, 2'},), answer='3')]
    """
    turns = _turns(row)
    return [
        Exchange(tuple(turns[:place]), turn["content"])
        for place, turn in enumerate(turns)
        if turn["role"] == "assistant" and turn["content"]
    ]


def _turns(row: Mapping[str, Any]) -> list[Message]:
    messages = row.get("messages")
    if messages:
        return [{"role": turn["role"], "content": turn["content"] or ""} for turn in messages]
    question = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
    parts = (("system", row["system"]), ("user", question), ("assistant", row["output"]))
    return [{"role": role, "content": text} for role, text in parts if text]
