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
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        whole = [count for count in counts if type(count) is int and 0 <= count <= _MOST_TOKENS]
        return cls(*whole) if len(whole) == 2 else None


def read_reply(key: str, status: int, body: str, *, replayed: bool) -> TeacherReply:
    """Turn a stored or fresh body into a reply; never raises.

    Args:
        key: journal key.
        status: HTTP status.
        body: as it came.
        replayed: whether it came from the journal.
    """
    if status != 200:
        line = " ".join(body.split())[:200]
        return TeacherReply(key, error=f"HTTP {status}: {line}", raw=body, replayed=replayed)
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
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        error=error,
        raw=body,
        replayed=replayed,
    )


def _text_of(choice: object) -> tuple[str, str | None]:
    """Return the text of a choice, or why there is none."""
    if not isinstance(choice, dict):
        return "", "the reply has no choices"
    if choice.get("finish_reason") == "content_filter":
        return "", "stopped by the teacher's content filter"
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if not isinstance(text, str) or not text.strip():
        return "", "the reply has no text"
    return _SURROGATE.sub("\ufffd", text), None
