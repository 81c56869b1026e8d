"""Reads the parameters of a check, which come from anywhere."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

_VALUE = re.compile(r"-?\d{1,30}(?:\.\d{1,12}|/[1-9]\d{0,11})?")
_MOST_TEXTS = 100


class BadCheckError(ValueError):
    """A parameter of a check is missing or of another type."""


def read_count(check: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number of 0 or more, null where the check has none.

    Raises:
        BadCheckError: if it is something else.
    """
    value = check.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        msg = f"{name}: expected a whole number, got {value!r}"
        raise BadCheckError(msg)
    return value


def read_flag(check: Mapping[str, Any], name: str) -> bool:
    """Return a Boolean, false where the check has none.

    Raises:
        BadCheckError: if it is something else.
    """
    value = check.get(name, False)
    if not isinstance(value, bool):
        msg = f"{name}: expected true or false, got {value!r}"
        raise BadCheckError(msg)
    return value


def find_text(check: Mapping[str, Any], name: str) -> str:
    """Return a text that is not blank.

    Raises:
        BadCheckError: if there is none.
    """
    value = check.get(name)
    if not isinstance(value, str) or not value.strip():
        msg = f"{name}: expected a text, got {value!r}"
        raise BadCheckError(msg)
    return value


def list_texts(check: Mapping[str, Any], name: str) -> list[str]:
    """Return one or more texts, none blank.

    Raises:
        BadCheckError: if there are none.
    """
    values = check.get(name)
    if not isinstance(values, list) or not 1 <= len(values) <= _MOST_TEXTS:
        msg = f"{name}: expected a list of texts, got {values!r}"
        raise BadCheckError(msg)
    return [find_text({name: value}, name) for value in values]


def read_value(check: Mapping[str, Any], name: str) -> Fraction:
    """Return an exact number, written as `12`, `-3.5` or `7/3`.

    Raises:
        BadCheckError: if there is none, or one of more digits than any task needs.
    """
    value = check.get(name)
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        msg = f"{name}: expected a number as text, got {value!r}"
        raise BadCheckError(msg)
    return Fraction(value)
