"""From what a reader yields to the frames of an ingested source."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import polars as pl

from flows.readers import MAX_RECORD_BYTES, Damage, Item, Record
from flows.readers.items import JSON_ERRORS, dump_raw
from flows.trees import plant, read_tree
from quality.formats import FormatError, Parsed, expand_record, parse_record
from quality.formats.frame import messages_series
from quality.ids import content_id
from quality.trees.messages import Broken, is_tree
from quality.trees.taking import Taken, parse_taken, record_of
from quality.trees.thresholds import LeftOut
from schemas.frames import ROWS, FrameSchema
from schemas.recipe import TreeOptions

#: Frame of records that are no rows. `raw` is what came, cut at MAX_RAW_CHARACTERS.
QUARANTINED: FrameSchema = {
    "source": pl.String,
    "file": pl.String,
    "line": pl.Int64,  # 1-based; null where the file has no lines
    "row": pl.Int64,  # 0-based position in the file, counting all records
    "rule": pl.String,
    "detail": pl.String,
    "raw": pl.String,
    "value": pl.Float64,  # what a threshold was held against; null where there was none
    "threshold": pl.Float64,
    "action": pl.String,  # quarantine; drop: it was read, and an option left it out
}

MAX_RAW_CHARACTERS: Final = 1_000_000


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
        trees: what is taken of message trees; None: as `oasst` in FORMATS has it.
    """

    source: str
    file: str
    license: str | None = None
    form: str = "auto"
    max_record_bytes: int = MAX_RECORD_BYTES
    trees: TreeOptions | None = None


class _Loss(NamedTuple):
    """A record, or a message of a tree, that is in no row."""

    damage: Damage
    value: float | None = None
    threshold: float | None = None
    action: str = "quarantine"


@dataclass(slots=True)
class _Columns:
    """Rows as they are parsed; frames are built once, at the end."""

    places: list[int] = field(default_factory=list)
    parsed: list[Parsed] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)


def collect_items(items: Iterable[Item], origin: Origin) -> Ingested:
    """Return the rows and the quarantined records of the items of one file.

    An item is one or the other; a message tree gives several rows, and a flat file of messages is
    read as the trees that it holds, after all other records.

    Args:
        items: the records of one file in its order.
        origin: what all of them have in common.
    """
    columns = _Columns()
    lost: list[tuple[int, _Loss]] = []
    for place, item in enumerate(plant(items, origin.form)):
        for outcome in _outcomes(item, origin):
            if isinstance(outcome, _Loss):
                lost.append((place, outcome))
            else:
                parsed, raw = outcome
                columns.places.append(place)
                columns.parsed.append(parsed)
                columns.raw.append(raw)
    return Ingested(_rows_frame(columns, origin), _quarantined_frame(lost, origin))


def _outcomes(item: Item, origin: Origin) -> Iterator[tuple[Parsed, str] | _Loss]:
    """Yield what became of an item; a message tree has one outcome for each row it could give."""
    if isinstance(item, Damage):
        yield _Loss(item)
    elif origin.trees is not None and origin.form in ("auto", "oasst") and is_tree(item.value):
        yield from _harvest(item, origin, origin.trees)
    else:
        for value in expand_record(item.value, form=origin.form):
            yield _parse(
                Record(item.line, value), origin, partial(parse_record, value, form=origin.form)
            )


def _harvest(
    item: Record, origin: Origin, options: TreeOptions
) -> list[tuple[Parsed, str] | _Loss]:
    """Return what became of the threads, pairs or prompts of a tree, and of all else in it."""
    line = item.line
    try:
        dump_raw(item.value)
        found = read_tree(item.value, options)
        return [_tree_part(line, part, found.tree, origin) for part in found.parts]
    except JSON_ERRORS as error:
        return [_Loss(_unwritable(line, error))]


def _tree_part(
    line: int | None, part: Taken | LeftOut | Broken, tree: object, origin: Origin
) -> tuple[Parsed, str] | _Loss:
    if isinstance(part, Broken):
        return _Loss(Damage(line, part.rule, part.detail, dump_raw(part.record)))
    if isinstance(part, LeftOut):
        damage = Damage(line, part.rule, part.detail, dump_raw(part.message))
        return _Loss(damage, part.value, part.threshold, "drop")
    return _parse(Record(line, record_of(part, tree)), origin, partial(parse_taken, part))


def _unwritable(line: int | None, error: Exception) -> Damage:
    detail = f"expected a record that JSON can hold, got {type(error).__name__}"
    return Damage(line, "invalid_json", detail, "")


def _parse(
    record: Record, origin: Origin, parse: Callable[[], Parsed]
) -> tuple[Parsed, str] | _Loss:
    """Return the row and its raw text, or why there is none."""
    line = record.line
    try:
        raw = dump_raw(record.value)
    except JSON_ERRORS as error:
        return _Loss(_unwritable(line, error))
    if len(raw) > origin.max_record_bytes:
        detail = f"expected at most {origin.max_record_bytes} bytes in one record, got {len(raw)}"
        return _Loss(Damage(line, "row_too_large", detail, raw))
    try:
        return parse(), raw
    except FormatError as error:
        return _Loss(Damage(line, error.rule, error.detail, raw))


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


def _quarantined_frame(lost: list[tuple[int, _Loss]], origin: Origin) -> pl.DataFrame:
    records = [
        (
            origin.source,
            origin.file,
            loss.damage.line,
            place,
            loss.damage.rule,
            _storable(" ".join(loss.damage.detail.split())),
            _storable(_cut(loss.damage.raw)),
            *loss[1:],
        )
        for place, loss in lost
    ]
    return pl.DataFrame(records, schema=dict(QUARANTINED), orient="row")


def _cut(raw: str) -> str:
    if len(raw) <= MAX_RAW_CHARACTERS:
        return raw
    return f"{raw[:MAX_RAW_CHARACTERS]} ... [{len(raw) - MAX_RAW_CHARACTERS} characters cut]"


def _storable(text: str) -> str:
    """Return text that encodes as UTF-8; what does not appears as an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
