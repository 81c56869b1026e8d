"""Reads what a server says about a batch. It is untrusted JSON: nothing in it is believed."""

import json
import math
from dataclasses import dataclass
from typing import Any, Self

METADATA = "feingold"  # the field of a batch that names its intent
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_SHOWN = 200  # characters of a server's words in a message
_SHOWN_ERRORS = 3


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch as its server sees it.

    Attributes:
        id: its name.
        status: how far it is.
        created: seconds since 1970, infinite where the server does not say.
        intent: of which it is the batch, "" where it is none of ours.
        files: with its results; some servers say "" for none.
        lacks_file: whether it says that requests were answered, and not yet where.
        error: why it failed, "" where it did not.
    """

    id: str
    status: str
    created: float
    intent: str
    files: tuple[str, ...]
    lacks_file: bool
    error: str

    @classmethod
    def read(cls, data: object) -> Self | None:
        """Return a batch, null where `data` is none."""
        if not isinstance(data, dict) or not _is_text(data.get("id"), data.get("status")):
            return None
        created = data.get("created_at")
        output, failed = data.get("output_file_id"), data.get("error_file_id")
        answered = _mapping(data.get("request_counts")).get("completed")
        errors = _mapping(data.get("errors")).get("data")
        lines = errors if isinstance(errors, list) else []
        return cls(
            id=data["id"],
            status=data["status"],
            created=float(created) if isinstance(created, int | float) else math.inf,
            intent=str(_mapping(data.get("metadata")).get(METADATA, "")),
            files=tuple(name for name in (output, failed) if name and _is_text(name)),
            lacks_file=bool(answered) and not output,
            error="; ".join(_line(_mapping(line)) for line in lines[:_SHOWN_ERRORS]),
        )


@dataclass(frozen=True, slots=True)
class BatchPage:
    """Part of a list of batches.

    Attributes:
        batches: in the order of the server; OpenAI's begins with the newest.
        has_more: whether more follow.
    """

    batches: tuple[BatchStatus, ...]
    has_more: bool

    @classmethod
    def read(cls, data: object) -> Self | None:
        """Return a page, null where `data` is none."""
        items = _mapping(data).get("data")
        if not isinstance(items, list):
            return None
        found = [BatchStatus.read(item) for item in items]
        known = tuple(batch for batch in found if batch is not None)
        return cls(known, _mapping(data).get("has_more") is True)


def parse_json(text: str) -> object:
    """Return the JSON value that a text is, null where it is none."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def one_line(text: str) -> str:
    """Return the beginning of a server's words as one line."""
    return " ".join(text.split())[:_SHOWN]


def _line(error: dict[str, Any]) -> str:
    place = f"line {error['line']}: " if error.get("line") else ""
    return place + one_line(str(error.get("message") or error.get("code")))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_text(*values: object) -> bool:
    return all(isinstance(value, str) and value for value in values)
