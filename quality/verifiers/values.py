"""Values of programs as JSON, and when two are the same."""

import math
from typing import Any

_TOLERANCE = 1e-9  # relative and absolute, where a float is expected


def encode(value: Any) -> Any:  # noqa: ANN401  any value of a task
    """Return a value as a check holds it: a tuple and a dictionary say what they are.

    Example:
        >>> encode((1, {"a": [2]}))
        {'tuple': [1, {'dict': [['a', [2]]]}]}
    """
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    return [encode(item) for item in value] if isinstance(value, list) else value


def is_same(expected: Any, got: Any) -> bool:  # noqa: ANN401  JSON values
    """Say whether two JSON values are equal; a Boolean is no number, floats may differ a little.

    Example:
        >>> [is_same(1, 1.0), is_same(True, 1), is_same(0.3, 0.1 + 0.2), is_same([1], [1, 2])]
        [True, False, True, False]
    """
    numbers = (int, float)
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, numbers) and isinstance(got, numbers):
        if isinstance(expected, int) and isinstance(got, int):
            return expected == got
        try:
            return math.isclose(expected, got, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        except OverflowError:
            return False
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(is_same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        if "dict" in expected and "dict" in got:
            return _is_same_mapping(expected["dict"], got["dict"])
        return expected.keys() == got.keys() and all(
            is_same(value, got[key]) for key, value in expected.items()
        )
    return type(expected) is type(got) and bool(expected == got)


def _is_same_mapping(expected: Any, got: Any) -> bool:  # noqa: ANN401  pairs, or not
    """Compare dictionaries without their order."""
    if not isinstance(expected, list) or not isinstance(got, list) or len(expected) != len(got):
        return False
    left = sorted(expected, key=repr)
    right = sorted(got, key=repr)
    return all(map(is_same, left, right))
