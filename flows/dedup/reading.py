"""Reads sources of any size and format into Parquet parts, never holding more than one part.

A file's parts are complete once its index stands beside them; a run that was killed reads on with
the next file.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.collect import Ingested, Origin, collect_items
from flows.disk import write_atomically, write_frame
from flows.ingest import read_hub_dataset
from flows.readers import read_items
from flows.session import Session
from flows.sources import find_places, quarantine_rows, shown_path
from flows.trees import plant
from schemas.recipe import SourceOptions

# Records parsed at once: 200 MB of short ones.
_RECORDS = 100_000


class Index(TypedDict):
    """What became of one source: its parts, and how many records they hold."""

    rows: list[str]
    bad: list[str]
    rules: dict[str, int]
    n_rows: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What was read.

    Attributes:
        rows: files with the columns of ROWS; ids are unique over all of them.
        quarantined: files of the records that could not be read, as rows with `rule`, `evidence`.
        n_rows: how many rows.
        n_quarantined: how many records could not be read, by rule.
    """

    rows: list[Path]
    quarantined: list[Path]
    n_rows: int
    n_quarantined: dict[str, int]


def read_parts(session: Session, folder: Path) -> Parts:
    """Read all sources of a run into `folder`.

    Raises:
        InputError: if a source is missing or cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = Path(session.spec.base)
    places = find_places(session)
    # Of equal rows the first by source and file keeps the plain id, whatever the order named.
    named = sorted((_name(place), shown_path(source, place, base), source, place)
                   for source, place in places)  # fmt: skip
    numbers = CopyNumbers()
    bar = session.progress.start("reading", len(named))
    found: list[Index] = []
    for number, (name, shown, source, place) in enumerate(named):
        index = folder / f"file-{number:05}.json"
        if index.exists():
            written: Index = json.loads(index.read_text(encoding="utf-8"))
            for path in (*written["rows"], *written["bad"]):
                numbers.see(pl.read_parquet(path, columns=["id"])["id"])
        else:
            origin = Origin(name, shown, source.license, source.format, trees=source.trees)
            written = _read_one(
                _ingest(source, place, origin), folder / f"part-{number:05}", numbers
            )
            write_atomically(index, json.dumps(written).encode())
        found.append(written)
        bar.advance()
    rules: dict[str, int] = {}
    for written in found:
        for rule, count in written["rules"].items():
            rules[rule] = rules.get(rule, 0) + count
    return Parts(
        rows=[Path(path) for written in found for path in written["rows"]],
        quarantined=[Path(path) for written in found for path in written["bad"]],
        n_rows=sum(written["n_rows"] for written in found),
        n_quarantined=rules,
    )


class CopyNumbers:
    """Numbers rows of equal content: the first one keeps its id, the next ones get `-1`, `-2` ...

    Holds eight bytes for every row seen.
    """

    def __init__(self) -> None:
        self._seen: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._copies: dict[str, int] = {}

    def number(self, ids: pl.Series) -> pl.Series:
        """Return unique ids for the content ids of the next rows."""
        keys = _keys(ids)
        known = np.isin(keys, self._seen, kind="sort") | _repeats(keys)
        unique = ids.to_list()
        for place in np.flatnonzero(known).tolist():
            copy = self._copies.get(unique[place], 0) + 1
            self._copies[unique[place]] = copy
            unique[place] = f"{unique[place]}-{copy}"
        self._remember(keys)
        return pl.Series("id", unique, dtype=pl.String)

    def see(self, ids: pl.Series) -> None:
        """Take note of rows that were numbered before."""
        plain = ids.str.replace(r"-\d+$", "")
        for content, count in plain.filter(plain != ids).value_counts().iter_rows():
            self._copies[content] = self._copies.get(content, 0) + count
        self._remember(_keys(plain))

    def _remember(self, keys: npt.NDArray[np.uint64]) -> None:
        self._seen = np.union1d(self._seen, keys)


def _keys(ids: pl.Series) -> npt.NDArray[np.uint64]:
    """Return the first 64 bits of content ids."""
    heads = ids.str.head(16).str.to_integer(base=16, dtype=pl.UInt64)
    keys: npt.NDArray[np.uint64] = heads.to_numpy().astype(np.uint64)
    return keys


def _repeats(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Mark all but the first of equal keys."""
    is_repeat = np.ones(len(keys), dtype=np.bool_)
    is_repeat[np.unique(keys, return_index=True)[1]] = False
    return is_repeat


def _name(place: Path | str) -> str:
    return place if isinstance(place, str) else place.name


def _ingest(source: SourceOptions, place: Path | str, origin: Origin) -> Iterator[Ingested]:
    """Yield a source in parts."""
    if isinstance(place, str):
        yield read_hub_dataset(
            place, format=source.format, license=source.license, trees=source.trees
        )
        return
    first = 0
    records = plant(read_items(place), source.format)
    while items := list(islice(records, _RECORDS)):
        part = collect_items(items, origin)
        row = pl.col("row") + first
        yield Ingested(part.rows.with_columns(row), part.quarantined.with_columns(row))
        first += len(items)


def _read_one(parts: Iterable[Ingested], stem: Path, numbers: CopyNumbers) -> Index:
    """Write the parts of one source and return its index."""
    rows: list[str] = []
    bad: list[str] = []
    rules: dict[str, int] = {}
    n_rows = 0
    for number, part in enumerate(parts):
        if part.rows.height:
            path = stem.with_name(f"{stem.name}-{number:05}.parquet")
            write_frame(part.rows.with_columns(numbers.number(part.rows["id"])), path)
            rows.append(str(path))
            n_rows += part.rows.height
        if part.quarantined.height:
            path = stem.with_name(f"{stem.name}-{number:05}-bad.parquet")
            write_frame(_with_reasons(part, numbers), path)
            bad.append(str(path))
            for rule, count in part.quarantined["rule"].value_counts().iter_rows():
                rules[rule] = rules.get(rule, 0) + count
    return {"rows": rows, "bad": bad, "rules": rules, "n_rows": n_rows}


def _with_reasons(part: Ingested, numbers: CopyNumbers) -> pl.DataFrame:
    found = quarantine_rows([part])
    return found.rows.with_columns(
        numbers.number(found.rows["id"]), found.decisions["rule"], found.decisions["evidence"]
    )
