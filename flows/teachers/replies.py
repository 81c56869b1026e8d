"""Reads a reply body. It is untrusted text: nothing in it is evaluated or believed."""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

from schemas.records import TeacherReply

# A token limit may cut an emoji in half; UTF-8, so every file and request, cannot hold the half.
_SURROGATE = re.compile("[\ud800-\udfff]")
# More than any bill can hold; SQLite refuses integers beyond 64 bits.
_MOST_TOKENS = 10**12


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens billed for one reply."""

    prompt: int
    completion: int

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self | None:
        """Return what the server says it billed, or null where it does not say."""
        usage = data.get("usage")
        if not isinstance(usage, dict):
            return None
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        prompt, completion, total = (_count(usage.get(name)) for name in names)
        if prompt is None or completion is None:
            return None
        # Some servers bill thinking and leave it out of the answer's own count.
        return cls(prompt, completion if total is None else max(completion, total - prompt))


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= _MOST_TOKENS else None


def read_reply(
    key: str, status: int, body: str, *, replayed: bool, teacher: int = 0
) -> TeacherReply:
    """Turn a stored or fresh body into a reply; never raises.

    Args:
        key: journal key.
        status: HTTP status.
        body: as it came.
        replayed: whether it came from the journal.
        teacher: position of the teacher in the recipe's list.
    """
    if status != 200:
        line = f"HTTP {status}: {' '.join(body.split())[:200]}"
        return TeacherReply(
            key, teacher=teacher, error=line, raw=body, replayed=replayed, is_stored=True
        )
    data = json.loads(body)
    usage = Usage.read(data) or Usage(0, 0)
    choice = data["choices"][0] if data["choices"] else None
    text, error = _text_of(choice)
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    return TeacherReply(
        key=key,
        text=text,
        finish_reason=finish if isinstance(finish, str) else "",
        model=str(data.get("model") or ""),
        teacher=teacher,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        error=error,
        raw=body,
        replayed=replayed,
        is_stored=True,
    )


def _text_of(choice: object) -> tuple[str, str | None]:
    """Return the text of a choice, or why there is none."""
    if not isinstance(choice, dict):
        return "", "the reply has no choices"
    if choice.get("finish_reason") == "content_filter":
        return "", "stopped by the teacher's content filter"
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if isinstance(message, dict) and message.get("refusal"):
        return "", f"refused: {' '.join(str(message['refusal']).split())[:200]}"
    if not isinstance(text, str) or not text.strip():
        return "", "the reply has no text"
    return _SURROGATE.sub("\ufffd", text), None
