"""Reads what a server answered to a probe: pure, and as untrusting as `replies.py`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flows.teachers.replies import Usage

State = Literal["obeyed", "ignored", "refused", "unclear"]

SHORT, LONG = 16, 40  # tokens that a probe may be answered with
_SLACK = 2  # tokens beyond the limit that servers count differently, such as the end of the text
# Statuses that say "not like this"; all others may be a bad moment.
_REFUSALS = frozenset({400, 404, 405, 415, 422, 501})
# OpenAI's 400 for a reasoning model that had no tokens left to answer with: the request was fine.
_NO_ROOM = "output limit was reached"
# No model says these by itself, and no question names them.
_WORDS = ("zorvex", "quilmabo")
#: Schema whose keeping cannot be an accident.
SCHEMA = {
    "type": "object",
    "properties": {"pick": {"type": "string", "enum": list(_WORDS)}},
    "required": ["pick"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to one probe.

    Attributes:
        status: HTTP status; 0 where nothing came.
        data: decoded body; empty where it is no JSON object.
        error: one line; "" where the status is 200.
    """

    status: int
    data: Mapping[str, Any]
    error: str = ""

    @property
    def has_no_room(self) -> bool:
        """Whether the request was taken and only its limit left nothing to answer with."""
        return self.status == 400 and _NO_ROOM in self.error

    @property
    def is_accepted(self) -> bool:
        """Whether the server took the request."""
        return self.has_no_room or (self.status == 200 and bool(self.choice))

    @property
    def is_cut(self) -> bool:
        """Whether the limit ended the answer."""
        return self.has_no_room or self.choice.get("finish_reason") == "length"

    @property
    def choice(self) -> Mapping[str, Any]:
        """The first choice; empty where there is none."""
        choices = self.data.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        return first if isinstance(first, dict) else {}

    @property
    def text(self) -> str:
        """What a chat was answered with, without white space around it."""
        message = self.choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        return content.strip() if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a server took one field or path.

    Attributes:
        state: obeyed, taken and ignored, refused, or not to be told.
        why: what says so; "" where that is plain.
    """

    state: State
    why: str = ""

    def __str__(self) -> str:
        return f"{self.state} ({self.why})" if self.why else self.state


def judge(answer: Answer, look: Callable[[Answer], Trial]) -> Trial:
    """Let `look` judge an answer to a question, where there is one."""
    if answer.is_accepted:
        return look(answer)
    return _refusal(answer) or Trial("unclear", "the reply has no choices")


def _refusal(answer: Answer) -> Trial | None:
    if answer.status == 200:
        return None
    return Trial("refused" if answer.status in _REFUSALS else "unclear", answer.error)


def keeps_limit(answer: Answer) -> Trial:
    """Tell whether a long answer ended at `SHORT` tokens."""
    usage = Usage.read(dict(answer.data))
    tokens = 0 if usage is None else usage.completion
    if tokens > SHORT + _SLACK:
        return Trial("ignored", f"{tokens} tokens under a limit of {SHORT}")
    if answer.is_cut or tokens >= SHORT:
        return Trial("obeyed")
    return Trial("unclear", "the answer was shorter than the limit")


def keeps_schema(answer: Answer) -> Trial:
    """Tell whether an answer keeps to `SCHEMA`."""
    text = answer.text
    if not text or text.startswith("<think"):
        return Trial("unclear", f"no answer within {LONG} tokens")
    if decode(text) in [{"pick": word} for word in _WORDS]:
        return Trial("obeyed")
    dense = "".join(text.split())
    if answer.is_cut and any(f'{{"pick":"{word}"}}'.startswith(dense) for word in _WORDS):
        return Trial("unclear", f"cut after {LONG} tokens")
    return Trial("ignored")


def has_logprobs(answer: Answer) -> Trial:
    """Tell whether an answer comes with a log-probability for every token."""
    found = answer.choice.get("logprobs")
    tokens = found.get("content") if isinstance(found, dict) else None
    values = [
        token.get("logprob") if isinstance(token, dict) else None
        for token in (tokens if isinstance(tokens, list) else [])
    ]
    if values and all(isinstance(value, int | float) for value in values):
        return Trial("obeyed")
    return Trial("ignored") if answer.text else Trial("unclear", "the answer has no text")


def has_text(answer: Answer) -> Trial:
    """Tell whether an answer is one of the legacy endpoint."""
    if "text" not in answer.choice:
        return Trial("refused", "the reply is no completion")
    is_text = isinstance(answer.choice["text"], str)
    return Trial("obeyed") if is_text else Trial("unclear", "the reply has no text")


def lists_batches(answer: Answer) -> Trial:
    """Tell whether a reply lists batches; a server that answers every path alike has none."""
    items = answer.data.get("data")
    are_batches = isinstance(items, list) and all(
        isinstance(item, dict) and item.get("object") == "batch" for item in items
    )
    plain = Trial("obeyed") if are_batches else Trial("refused", "the reply is no list of batches")
    return _refusal(answer) or plain


def decode(text: str) -> dict[str, Any]:
    """Return a JSON object, an empty one where the text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def complaint(data: Mapping[str, Any]) -> str:
    """Return the message of an error body, "" where it has another form."""
    error = data.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""
