"""From what a reader yields to the frames of an ingested source."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from flows.readers import MAX_RECORD_BYTES, Damage, Item, Record
from quality.formats import FormatError, Parsed, expand_record, parse_record
from quality.formats.frame import messages_series
from quality.ids import content_id
from schemas.frames import ROWS, FrameSchema

#: Frame of records that are no rows. `raw` is what came, cut at MAX_RAW_CHARACTERS.
QUARANTINED: FrameSchema = {
    "source": pl.String,
    "file": pl.String,
    "line": pl.Int64,  # 1-based; null where the file has no lines
    "row": pl.Int64,  # 0-based position in the file, counting all records
    "rule": pl.String,
    "detail": pl.String,
    "raw": pl.String,
}

MAX_RAW_CHARACTERS: Final = 1_000_000

_RAW_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_ESCAPING_ENCODER: Final = json.JSONEncoder(ensure_ascii=True, default=str)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the records of one source.

    Attributes:
        rows: frame of ROWS; ids are those of the content, not yet unique.
        quarantined: frame of QUARANTINED.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame

    @property
    def records(self) -> int:
        """Number of records in the source."""
        return self.rows.height + self.quarantined.height


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from and how to read them.

    Attributes:
        source: value of the column `source`.
        file: value of the column `file`.
        license: SPDX id; None = unknown.
        form: a name in FORMATS or `auto`.
        max_record_bytes: larger records are quarantined.
    """

    source: str
    file: str
    license: str | None = None
    form: str = "auto"
    max_record_bytes: int = MAX_RECORD_BYTES


@dataclass(slots=True)
class _Columns:
    """Rows as they are parsed; frames are built once, at the end."""

    places: list[int] = field(default_factory=list)
    parsed: list[Parsed] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)


def collect_items(items: Iterable[Item], origin: Origin) -> Ingested:
    """Return one row or one quarantined record for every item, and for every thread of a tree.

    Args:
        items: the records of one file in its order.
        origin: what all of them have in common.
    """
    columns = _Columns()
    damaged: list[tuple[int, Damage]] = []
    for place, item in enumerate(items):
        for outcome in _outcomes(item, origin):
            if isinstance(outcome, Damage):
                damaged.append((place, outcome))
            else:
                parsed, raw = outcome
                columns.places.append(place)
                columns.parsed.append(parsed)
                columns.raw.append(raw)
    return Ingested(_rows_frame(columns, origin), _quarantined_frame(damaged, origin))


def _outcomes(item: Item, origin: Origin) -> Iterator[tuple[Parsed, str] | Damage]:
    """Yield what became of an item; a message tree gives one outcome for each of its threads."""
    if isinstance(item, Damage):
        yield item
        return
    for value in expand_record(item.value, form=origin.form):
        yield _parse(Record(item.line, value), origin)


def _parse(record: Record, origin: Origin) -> tuple[Parsed, str] | Damage:
    """Return the row and its raw text, or why there is none."""
    line = record.line
    try:
        raw = dump_raw(record.value)
    except (RecursionError, ValueError) as error:
        detail = f"expected a record that JSON can hold, got {type(error).__name__}"
        return Damage(line, "invalid_json", detail, "")
    if len(raw) > origin.max_record_bytes:
        detail = f"expected at most {origin.max_record_bytes} bytes in one record, got {len(raw)}"
        return Damage(line, "row_too_large", detail, raw)
    try:
        return parse_record(record.value, form=origin.form), raw
    except FormatError as error:
        return Damage(line, error.rule, error.detail, raw)


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


def _rows_frame(columns: _Columns, origin: Origin) -> pl.DataFrame:
    parsed = columns.parsed
    values: dict[str, Any] = {
        "id": [content_id(row.messages, row.rejected) for row in parsed],
        "row": columns.places,
        "system": [row.system for row in parsed],
        "instruction": [row.instruction for row in parsed],
        "input": [row.input for row in parsed],
        "output": [row.output for row in parsed],
        "rejected": [row.rejected for row in parsed],
        "raw": columns.raw,
    }
    same = {"source": origin.source, "file": origin.file, "license": origin.license}
    frame = pl.DataFrame(values, schema={name: ROWS[name] for name in values})
    frame = frame.with_columns(messages_series([row.messages for row in parsed]))
    absent = [name for name in ROWS if name not in frame.columns]
    return frame.with_columns(
        pl.lit(same.get(name), dtype=ROWS[name]).alias(name) for name in absent
    ).select(list(ROWS))


def _quarantined_frame(damaged: list[tuple[int, Damage]], origin: Origin) -> pl.DataFrame:
    records = [
        (
            origin.source,
            origin.file,
            damage.line,
            place,
            damage.rule,
            _storable(" ".join(damage.detail.split())),
            _storable(_cut(damage.raw)),
        )
        for place, damage in damaged
    ]
    return pl.DataFrame(records, schema=dict(QUARANTINED), orient="row")


def _cut(raw: str) -> str:
    if len(raw) <= MAX_RAW_CHARACTERS:
        return raw
    return f"{raw[:MAX_RAW_CHARACTERS]} ... [{len(raw) - MAX_RAW_CHARACTERS} characters cut]"


def _storable(text: str) -> str:
    """Return text that encodes as UTF-8; what does not appears as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
