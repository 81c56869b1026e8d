"""Reads labelled files: rows with a label or a rating, or preference pairs.

A record is any known form of training data with one of

- `label`: good or bad, keep or drop, accept or reject, yes or no, true or false, 1 or 0, gut or
  schlecht (so files for KTO are labelled files),
- `rating` or `score`: a number, higher is better; any scale, one scale a file,
- `chosen` and `rejected`: two answers to `prompt` or to `instruction` and `input`, as texts or as
  lists of messages, with or without the question in front,
- `src`, `pos` and `neg`: a task, its better and its worse answer.

Labels are few: what cannot be read is an error and never left out.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.collect import Origin, collect_items
from flows.ingest import expand_paths
from flows.readers import Record, read_items
from flows.sources import shown_path
from quality.formats import FormatError
from quality.ids import content_id
from quality.tuning.judgements import WANTED, Judgement, Kind, read_judgement
from schemas.errors import InputError
from schemas.recipe import SourceOptions


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled file.

    Attributes:
        rows: frame of ROWS in the order of the file; of a pair the better answer first. Ids are
            those of the content, so equal rows have equal ones; `row` is the place of the record.
        target: Float64 of shape (rows,) in 0..1, higher is better: good 1, bad 0; ratings scaled
            by the lowest and the highest of the file; of a pair 1 and 0, or 0.5 twice where both
            answers are the same text.
        group: Int64 of shape (rows,); the rows of one pair share a number, and so do labelled or
            rated answers to one prompt; -1 where a row stands alone.
        kind: what the file holds.
        name: the file, as the user gave it.
        fingerprint: SHA-256 of its bytes.
    """

    rows: pl.DataFrame
    target: npt.NDArray[np.float64]
    group: npt.NDArray[np.int64]
    kind: Kind
    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A record of a file with what it says."""

    number: int
    line: int | None
    judgement: Judgement


def read_labels(paths: Sequence[str], base: Path) -> list[Labelled]:
    """Read labelled files.

    Args:
        paths: files (JSON, JSONL, CSV, TSV, Parquet) or patterns.
        base: directory of relative paths.

    Returns:
        One entry a file, in the order given; those of a pattern sorted.

    Raises:
        InputError: for the first file or record that cannot be used, with its line.
    """
    return [
        _read_file(path, shown_path(SourceOptions(path=pattern), path, base))
        for pattern in paths
        for path in expand_paths(pattern, base)
    ]


def _read_file(path: Path, name: str) -> Labelled:
    places = list(_read_places(path, name))
    if not places:
        msg = f"expected records with {WANTED}, got none in {name}: name a labelled file"
        raise InputError(msg)
    kind = places[0].judgement.kind
    rows = _read_rows(places, name)
    values = [value for place in places for value in place.judgement.values]
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return Labelled(
        rows=rows,
        target=_scale(np.array(values, dtype=np.float64), kind, name),
        group=_group(rows, kind),
        kind=kind,
        name=name,
        fingerprint=digest,
    )


def _read_places(path: Path, name: str) -> Iterator[_Place]:
    """Yield the records of a file, all of one kind."""
    kind: Kind | None = None
    for number, item in enumerate(read_items(path)):
        where = _where(name, number, item.line)
        if not isinstance(item, Record):
            msg = f"{item.detail} in {where}: correct the record"
            raise InputError(msg)
        judgement = _judge(item.value, where)
        kind = kind or judgement.kind
        if judgement.kind != kind:
            msg = (
                f"expected {kind} as in the records before, got {judgement.kind} in {where}: "
                "give each kind a file of its own"
            )
            raise InputError(msg)
        yield _Place(number, item.line, judgement)


def _where(name: str, number: int, line: int | None) -> str:
    return f"{name}, record {number + 1}" if line is None else f"{name}, line {line}"


def _judge(record: object, where: str) -> Judgement:
    if not isinstance(record, Mapping):
        msg = (
            f"expected an object with {WANTED}, got {type(record).__name__} in {where}: correct it"
        )
        raise InputError(msg)
    try:
        return read_judgement(record)
    except FormatError as error:
        msg = f"{error.detail} in {where}: correct the record"
        raise InputError(msg) from error


def _read_rows(places: Sequence[_Place], name: str) -> pl.DataFrame:
    """Return the rows of all answers, in the order of the file."""
    owners = [place for place in places for _ in place.judgement.answers]
    answers = [answer for place in places for answer in place.judgement.answers]
    items = [Record(owner.line, answer) for owner, answer in zip(owners, answers, strict=True)]
    ingested = collect_items(items, Origin(Path(name).name, name))
    for number, detail in ingested.quarantined.select("row", "detail").iter_rows():
        where = _where(name, owners[number].number, owners[number].line)
        msg = f"{detail} in {where}: correct the record"
        raise InputError(msg)
    numbers = pl.Series("row", [owner.number for owner in owners], dtype=pl.Int64)
    return ingested.rows.with_columns(numbers)


def _scale(values: npt.NDArray[np.float64], kind: Kind, name: str) -> npt.NDArray[np.float64]:
    """Bring what was said into 0..1.

    Raises:
        InputError: if it is all the same.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        said = {
            "labels": "good" if low else "bad",
            "ratings": f"{low:g}",
            "pairs": "two equal texts",
        }
        msg = (
            f"expected {kind} that differ, got {said[kind]} in every record of {name}: "
            "add records of the other kind"
        )
        raise InputError(msg)
    scaled: npt.NDArray[np.float64] = values if kind == "pairs" else (values - low) / (high - low)
    return scaled


def _group(rows: pl.DataFrame, kind: Kind) -> npt.NDArray[np.int64]:
    """Number the pairs, or the prompts that several rows answer."""
    if kind == "pairs":
        return np.arange(rows.height, dtype=np.int64) // 2
    prompts = [content_id(turns[:-1]) for turns in rows["messages"].to_list()]
    _, number, counts = np.unique(prompts, return_inverse=True, return_counts=True)
    return np.where(counts[number] > 1, number, -1).astype(np.int64)
