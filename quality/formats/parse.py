"""What every form of training data is parsed into, and the steps that the forms share."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from quality.text import normalise_text

Message: TypeAlias = dict[str, str]
Record: TypeAlias = Mapping[str, Any]

#: Field names that hold a system turn beside the conversation.
SYSTEM_FIELDS: Final = ("system", "system_prompt")


class FormatError(ValueError):
    """A record that cannot become a row.

    Attributes:
        rule: snake_case name of the reason, which is counted.
        detail: the reason in one line.
    """

    def __init__(self, detail: str, *, rule: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Parsed:
    """One record in the house form; every text is normalised.

    Attributes:
        system: all system turns, joined by a blank line; "" where there is none.
        instruction: first user turn, without its input where the form separates it.
        input: "" where there is none or the form has no such field.
        output: all assistant turns, joined by a blank line.
        messages: the whole conversation.
        rejected: the answer that lost to the last turn; None where there is none.
    """

    system: str
    instruction: str
    input: str
    output: str
    messages: tuple[Message, ...]
    rejected: str | None = None


def text_of(value: object, *, field: str) -> str | None:
    """Return a field as normalised text, None where it is absent.

    Numbers and Booleans are written as JSON writes them; NaN, which pandas writes for a missing
    value, is absent.

    Args:
        value: the value as the reader gave it.
        field: its name, for the error.

    Raises:
        FormatError: `not_text` for lists, objects, bytes and infinities.
    """
    if isinstance(value, str):
        return normalise_text(value)
    if not is_present(value):
        return None
    if isinstance(value, int | float) and math.isfinite(value):
        return json.dumps(value)
    msg = f"expected text in {field!r}, got {type(value).__name__}"
    raise FormatError(msg, rule="not_text")


def is_present(value: object) -> bool:
    """Tell whether a field has a value; null and NaN are what tables write for "not there"."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def first_text(record: Record, fields: Iterable[str]) -> str | None:
    """Return the text of the first of `fields` that has a value, None where none has."""
    for field in fields:
        text = text_of(record.get(field), field=field)
        if text is not None:
            return text
    return None


def output_of(record: Record, fields: Iterable[str]) -> str:
    """Return the answer of a record; "" is an answer, for a filter to judge.

    Raises:
        FormatError: `missing_output` where no field of `fields` has a value.
    """
    names = tuple(fields)
    output = first_text(record, names)
    if output is None:
        msg = f"expected an answer in one of {', '.join(names)}, got {describe_fields(record)}"
        raise FormatError(msg, rule="missing_output")
    return output


def describe_fields(record: Record) -> str:
    """Return the names of the fields that have a value, for an error message."""
    names = [str(name)[:40] for name, value in record.items() if is_present(value)]
    shown = ", ".join(repr(name) for name in names[:12])
    return (
        f"fields {shown}{' ...' if len(names) > 12 else ''}" if names else "no field with a value"
    )


def single_exchange(*, system: str, instruction: str, context: str, output: str) -> Parsed:
    """Return the row of one question and its answer, all normalised.

    The user turn is the instruction, a blank line and the input. An input without an instruction is
    the instruction.

    Raises:
        FormatError: `empty_instruction` where both are empty.
    """
    if not instruction:
        instruction, context = context, ""
    if not instruction:
        msg = "expected a question, got an empty text"
        raise FormatError(msg, rule="empty_instruction")
    question = f"{instruction}\n\n{context}" if context else instruction
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": output})
    return Parsed(system, instruction, context, output, tuple(messages))


def conversation(turns: Iterable[Message], *, system: str = "") -> Parsed:
    """Return the row of a conversation of normalised turns.

    Empty system turns are left out: they say nothing, and an id should not depend on them.

    Args:
        turns: the turns, roles `system`, `user` and `assistant`.
        system: a system turn given beside the turns, used where they have none.

    Raises:
        FormatError: `no_user_turn`, `empty_instruction` (first user turn) or `missing_output` (no
            assistant turn).
    """
    messages = [turn for turn in turns if turn["role"] != "system" or turn["content"]]
    spoken: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    for turn in messages:
        spoken[turn["role"]].append(turn["content"])
    if not spoken["user"]:
        msg = f"expected a user turn, got {len(messages)} other turns"
        raise FormatError(msg, rule="no_user_turn")
    if not spoken["user"][0]:
        msg = "expected a question, got an empty first user turn"
        raise FormatError(msg, rule="empty_instruction")
    if not spoken["assistant"]:
        msg = f"expected an assistant turn, got {len(messages)} turns without one"
        raise FormatError(msg, rule="missing_output")
    if system and not spoken["system"]:
        messages.insert(0, {"role": "system", "content": system})
        spoken["system"].append(system)
    return Parsed(
        system="\n\n".join(spoken["system"]),
        instruction=spoken["user"][0],
        input="",
        output="\n\n".join(spoken["assistant"]),
        messages=tuple(messages),
    )
