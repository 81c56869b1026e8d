"""What a reader yields: records that were read, and stretches of a file that were not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

#: Larger records are quarantined: one runaway row must not take the memory of a run.
MAX_RECORD_BYTES: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One decoded record.

    Attributes:
        line: 1-based line on which it starts; None where the file has no lines.
        value: the record, an object if all is well.
    """

    line: int | None
    value: Any


@dataclass(frozen=True, slots=True)
class Damage:
    r"""One record that could not be decoded.

    Attributes:
        line: 1-based line on which it starts; None where the file has no lines.
        rule: snake_case name of the reason.
        detail: the reason in one line.
        raw: the text as it came; bytes that are not UTF-8 appear as `\xNN`.
    """

    line: int | None
    rule: str
    detail: str
    raw: str


Item: TypeAlias = Record | Damage


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What readers need beside the bytes: `path` for messages and the limit of one record."""

    path: Path
    max_record_bytes: int = MAX_RECORD_BYTES


Reader: TypeAlias = Callable[[BinaryIO, ReadOptions], Iterator[Item]]


def _parse_constant(name: str) -> None:
    """Read NaN as null: that is how Python and pandas write a missing value. Infinity is an error.

    Raises:
        ValueError: for `Infinity` and `-Infinity`, which are neither JSON nor a missing value.
    """
    if name != "NaN":
        msg = f"{name} is not JSON"
        raise ValueError(msg)


#: Of keys that occur twice in an object the last one counts, as everywhere in Python.
JSON_DECODER: Final = json.JSONDecoder(parse_constant=_parse_constant)

#: What decoding can raise: bad JSON, numbers of more than 4,300 digits, nesting that is too deep.
JSON_ERRORS: Final = (ValueError, RecursionError)


def describe_json_error(error: Exception) -> str:
    """Return the reason of one of JSON_ERRORS in one line."""
    if isinstance(error, json.JSONDecodeError):
        return f"expected JSON, got {error.msg!r} in line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "expected a record, got JSON nested too deep to decode"
    return f"expected JSON, got {str(error).splitlines()[0][:200]!r}"


def visible_text(data: bytes) -> str:
    r"""Return bytes as text, those that are not UTF-8 as `\xNN`."""
    return data.decode("utf-8", "backslashreplace")


_RAW_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_ESCAPING_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, default=str)


def dump_raw(value: object) -> str:
    r"""Return a record as one line of JSON that encodes as UTF-8.

    Half a surrogate pair, which UTF-8 cannot hold, stays the escape that it came as. Values that
    JSON does not know (dates and decimals in Parquet) are written as text.

    Example:
        >>> dump_raw({"a": "\ud83d", "b": "ß"})
        '{"a": "\\ud83d", "b": "\\u00df"}'
    """
    raw = _RAW_ENCODER.encode(value)
    if raw.isascii():
        return raw
    try:
        raw.encode("utf-8")
    except UnicodeEncodeError:
        return _ESCAPING_ENCODER.encode(value)
    return raw
