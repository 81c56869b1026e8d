"""A JSON object with certain keys."""

import json
import re
from collections.abc import Mapping
from typing import Any

from quality.verifiers.parameters import list_texts

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*?)\n?```\Z", re.DOTALL | re.IGNORECASE)


def json_keys(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether an answer is one JSON object that has exactly certain keys.

    Args:
        check: with `keys`.
        answer: the object alone, or in one fenced block; no prose around it.

    Raises:
        BadCheckError: if the check has no keys.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "JSON format". Differs: the
        keys are named, none may come twice.

    Example:
        >>> json_keys({"keys": ["name"]}, '{"name": "owl"}')
        True
    """
    wanted = set(list_texts(check, "keys"))
    text = answer.strip()
    fenced = _FENCED.match(text)
    try:
        found = json.loads(
            fenced[1] if fenced else text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str
        )
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, _Pairs):
        return False
    keys = [name for name, _ in found]
    return len(keys) == len(set(keys)) and set(keys) == wanted


class _Pairs(list[tuple[str, Any]]):
    """The pairs of an object, in their order."""
