"""The JSON schema of a verdict."""

from collections.abc import Mapping
from typing import Any


def verdict_schema(name: str, verdict: Mapping[str, Any], *, max_tokens: int) -> dict[str, Any]:
    """Return the schema of an object with reasons and, behind them, a verdict.

    Args:
        name: of the verdict.
        verdict: its schema.
        max_tokens: limit of the whole reply, in tokens. Reasons get two characters for each, about
            half of them, so that the verdict has room where a grammar holds the bound.
    """
    reasons = {"type": "string", "maxLength": 2 * max_tokens}
    return closed_object({"reasons": reasons, name: verdict})


def closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, in this order, and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
