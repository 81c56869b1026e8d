"""Rows over all versions of a dataset: when they came and went, and what they answered."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from flows.versions import SPLIT, Version, list_versions, open_version, parse_semver, scan_rows
from schemas.errors import InputError

#: Stands for a row that a version has never seen.
ABSENT: Final = "absent"

_PROMPT = ("system", "instruction", "input")
_FINAL = ("keep", "drop", "quarantine")


def versions_beside(version: Version) -> Iterator[Version]:
    """Yield all versions of the same dataset that can be opened, oldest first."""
    folder, manifest = version
    beside = folder.resolve().parent
    if parse_semver(folder.resolve().name) is None:  # a copy, or fetched from the Hub
        yield version
        return
    for number in list_versions(beside):
        try:
            found = open_version(beside / str(number))
        except InputError:
            continue
        if found.manifest.name == manifest.name:
            yield found


def life_of_row(version: Version, row_id: str) -> list[dict[str, Any]]:
    """Return for each version whether it has a row: `in`, `out` or `absent`, and why."""
    return [_state(found, row_id) for found in versions_beside(version)]


def _state(version: Version, row_id: str) -> dict[str, Any]:
    folder, manifest = version
    told: dict[str, Any] = {"version": manifest.version, "created": manifest.created}
    mine = pl.col("id") == row_id
    if any((folder / "data" / "default").glob("*.parquet")):
        rows = scan_rows(folder).filter(mine).select(SPLIT).collect()
        if rows.height:
            return told | {"state": "in", "split": rows.item()}
    if any((folder / "decisions").glob("*.parquet")):
        ledger = pl.scan_parquet(folder / "decisions" / "*.parquet")
        lines = ledger.filter(mine & pl.col("action").is_in(_FINAL)).collect()
        if lines.height:
            return told | {"state": "out"} | _why(lines.row(0, named=True))
    return told | {"state": ABSENT}


def _why(line: Mapping[str, Any]) -> dict[str, Any]:
    names = ("stage", "rule", "value", "threshold", "matched_id")
    return {name: line.get(name) for name in names}


def answers_over_time(version: Version, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return other answers to the prompt of a row: `id`, `output` and the `versions` with each."""
    if row.get("instruction") is None:
        return []
    found: dict[str, dict[str, Any]] = {}
    for other in versions_beside(version):
        if not any((other.folder / "data" / "default").glob("*.parquet")):
            continue
        rows = scan_rows(other.folder)
        known = [name for name in _PROMPT if name in rows.collect_schema().names()]
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(row.get(name))) for name in known)
        for line in rows.filter(same).select("id", "output").collect().to_dicts():
            if line["id"] != row["id"]:
                told = found.setdefault(line["id"], {**line, "versions": []})
                told["versions"].append(other.manifest.version)
    return [found[name] for name in sorted(found)]
