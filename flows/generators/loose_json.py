"""Reads JSON objects from replies of models that wrap, cut or repeat them."""

import json
from collections.abc import Iterator
from typing import Any, Final

_DECODER: Final = json.JSONDecoder()
_MOST_STARTS: Final = 2_000


def read_objects(text: str, *, having: str) -> list[dict[str, Any]]:
    """Return every whole object of a reply that has a field, in their order; never raises.

    Objects inside lists and objects are found; of a reply that its token limit cut, those before
    the cut.

    Args:
        text: the reply.
        having: name of the field.

    Example:
        >>> read_objects('Sure: {"items": [{"a": 1}, {"a": 2}, {"a', having="a")
        [{'a': 1}, {'a': 2}]
    """
    found: list[dict[str, Any]] = []
    place = starts = 0
    while (place := text.find("{", place)) >= 0 and starts < _MOST_STARTS:
        starts += 1
        try:
            value, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            place += 1
            continue
        found += _having(value, having, 0)
        place = end
    return found


def _having(value: object, name: str, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 8:
        return
    if isinstance(value, dict):
        if name in value:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _having(item, name, depth + 1)
