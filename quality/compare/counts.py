"""How counts and recipes of two versions differ."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_LONGEST = 60
_NOTHING = object()


class CountChange(NamedTuple):
    """A count in two versions."""

    name: str
    old: int
    new: int
    difference: int


class FieldChange(NamedTuple):
    """A field in two versions, values as short JSON; `-` where there is none."""

    field: str
    old: str
    new: str


def count_changes(old: Mapping[str, int], new: Mapping[str, int]) -> list[CountChange]:
    """Return every count of either version, the largest difference first, then by name.

    Example:
        >>> [tuple(change) for change in count_changes({"a": 2, "b": 1}, {"a": 2, "c": 5})]
        [('c', 0, 5, 5), ('b', 1, 0, -1), ('a', 2, 2, 0)]
    """
    found = [
        CountChange(name, old.get(name, 0), new.get(name, 0), new.get(name, 0) - old.get(name, 0))
        for name in old.keys() | new.keys()
    ]
    return sorted(found, key=lambda change: (-abs(change.difference), change.name))


def field_changes(old: object, new: object) -> list[FieldChange]:
    """Return the fields in which two nested mappings differ, in the order of their paths.

    Args:
        old: any JSON value, such as a recipe as its file says it.
        new: likewise.

    Example:
        >>> field_changes({"a": {"b": 1}, "c": [1]}, {"a": {"b": 2}, "c": [1, {"d": "x"}]})
        ... # doctest: +NORMALIZE_WHITESPACE
        [FieldChange(field='a.b', old='1', new='2'),
         FieldChange(field='c[1].d', old='-', new='"x"')]
    """
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        FieldChange(path, _short(before.get(path, _NOTHING)), _short(after.get(path, _NOTHING)))
        for path in sorted(before.keys() | after.keys())
        if before.get(path, _NOTHING) != after.get(path, _NOTHING)
        or type(before[path]) is not type(after[path])
    ]


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path; an empty mapping or list is a leaf."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    elif path:
        yield path, value


def _short(value: object) -> str:
    if value is _NOTHING:
        return "-"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
