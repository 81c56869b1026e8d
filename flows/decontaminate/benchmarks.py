"""Reads benchmarks from files and from the Hub: the items that must not be in a dataset."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from flows.decontaminate.fields import QUESTIONS, read_question
from flows.ingest import HUB_PREFIX, expand_paths, read_hub_dataset
from flows.readers import Damage, read_items
from flows.session import Session
from quality.decontaminate import BenchmarkItem
from schemas.errors import InputError
from schemas.recipe import DecontaminateOptions

# Of a dataset with several splits, the one that models are measured on.
_MEASURED: Final = "test"
_SHOWN: Final = 60


class _Entry(NamedTuple):
    """A record, and where it is, for errors."""

    value: Any
    where: str


def load_benchmarks(session: Session, options: DecontaminateOptions) -> list[BenchmarkItem]:
    """Return the items of all benchmarks, in the order of the recipe.

    A benchmark is called by its file's name, or by its path where two files have one name. Of a
    Hub dataset with a split `test`, only that is read.

    Raises:
        InputError: if a file is missing, empty or damaged, a record has no field that is known to
            hold a question, or a Hub dataset cannot be loaded.
    """
    base = session.resolve_path("")
    places: dict[Path | str, None] = {}
    for pattern in options.against:
        if pattern.startswith(HUB_PREFIX):
            places[pattern] = None
        else:
            places |= dict.fromkeys(expand_paths(pattern, base))
    names = Counter(place.name for place in places if isinstance(place, Path))
    items: list[BenchmarkItem] = []
    for place in places:
        if isinstance(place, str):
            items += _read(_hub_entries(place), place)
        else:
            called = place.name if names[place.name] == 1 else str(place)
            items += _read(_file_entries(place), called)
    return items


def _file_entries(path: Path) -> Iterator[_Entry]:
    """Yield the records of a file.

    Raises:
        InputError: if one of them cannot be decoded.
    """
    for number, item in enumerate(read_items(path)):
        line = f"{path}, line {item.line}" if item.line else f"{path}, record {number}"
        if isinstance(item, Damage):
            msg = f"{item.detail} in {line}: correct it"
            raise InputError(msg)
        yield _Entry(item.value, line)


def _hub_entries(name: str) -> Iterator[_Entry]:
    """Yield the records of a Hub dataset."""
    found = read_hub_dataset(name)
    columns = ["file", "row", "raw"]
    records = pl.concat([found.rows.select(columns), found.quarantined.select(columns)])
    measured = records.filter(pl.col("file").str.ends_with(f"/{_MEASURED}"))
    for file, row, raw in (
        (measured if measured.height else records).sort("file", "row").iter_rows()
    ):
        yield _Entry(json.loads(raw), f"{file}, record {row}")


def _read(entries: Iterable[_Entry], benchmark: str) -> list[BenchmarkItem]:
    """Return the items of one benchmark.

    Raises:
        InputError: if there are none, or a record has no question.
    """
    items = [_item(entry, benchmark, number) for number, entry in enumerate(entries)]
    if not items:
        msg = f"expected benchmark items, got none in {benchmark}: check the file"
        raise InputError(msg)
    return _with_unique_names(items)


def _item(entry: _Entry, benchmark: str, number: int) -> BenchmarkItem:
    found = read_question(entry.value)
    if found is None:
        shown = json.dumps(entry.value, ensure_ascii=False, default=str)[:_SHOWN]
        msg = (
            f"expected an object with one of {', '.join(QUESTIONS)}, got {shown!r} in "
            f"{entry.where}: rename a field"
        )
        raise InputError(msg)
    return BenchmarkItem(benchmark, number, **found._asdict())


def _with_unique_names(items: Sequence[BenchmarkItem]) -> list[BenchmarkItem]:
    """Drop ids that several items have, so that a decision names one item."""
    count = Counter(item.name for item in items)
    return [item if count[item.name] == 1 else item._replace(name="") for item in items]
