"""Turns of a conversation, in the spellings found in published datasets."""

from collections.abc import Mapping
from typing import Any, Final

from quality.formats.parse import FormatError, Message, text_of

#: Spelling of a speaker, in lower case, to the role.
ROLES: Final[Mapping[str, str]] = {
    "system": "system",
    "developer": "system",
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}
_ROLE_FIELDS: Final = ("role", "from")
_CONTENT_FIELDS: Final = ("content", "value", "text")


def is_turn_list(value: object) -> bool:
    """Tell whether `value` is a list that begins with a turn: an object that names its speaker."""
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], Mapping)
        and any(field in value[0] for field in _ROLE_FIELDS)
    )


def parse_turns(value: object, *, field: str) -> list[Message]:
    """Return normalised turns.

    Args:
        value: list of `{"role" or "from", "content" or "value" or "text"}`; content may be a list
            of text parts, as in the OpenAI API.
        field: name of the list, for the error.

    Raises:
        FormatError: `not_text`, `unknown_role`, `missing_text` (no content) or `missing_output`
            (an assistant turn without content, such as a tool call).
    """
    if not isinstance(value, list):
        msg = f"expected a list of turns in {field!r}, got {type(value).__name__}"
        raise FormatError(msg, rule="not_text")
    return [_parse_turn(turn, where=f"{field}[{place}]") for place, turn in enumerate(value)]


def _parse_turn(turn: object, *, where: str) -> Message:
    if not isinstance(turn, Mapping):
        msg = f"expected an object with role and content in {where}, got {type(turn).__name__}"
        raise FormatError(msg, rule="not_text")
    speaker = next((turn[field] for field in _ROLE_FIELDS if turn.get(field) is not None), None)
    role = ROLES.get(speaker.strip().lower()) if isinstance(speaker, str) else None
    if role is None:
        msg = f"expected system, user or assistant as the role of {where}, got {speaker!r:.60}"
        raise FormatError(msg, rule="unknown_role")
    content = next((turn[name] for name in _CONTENT_FIELDS if turn.get(name) is not None), None)
    if isinstance(content, list):
        content = _join_parts(content, where=where)
    text = text_of(content, field=where)
    if text is None:
        rule = "missing_output" if role == "assistant" else "missing_text"
        msg = f"expected content in {where}, the {role} turn, got none"
        raise FormatError(msg, rule=rule)
    return {"role": role, "content": text}


def _join_parts(parts: list[Any], *, where: str) -> str:
    """Return the text of content parts; a part that is no text (an image) cannot be dropped."""
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, Mapping) else part
        if not isinstance(text, str):
            kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
            msg = f"expected text parts only in {where}, got {kind!r:.60}"
            raise FormatError(msg, rule="not_text")
        texts.append(text)
    return "\n".join(texts)
