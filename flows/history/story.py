"""The story of one row: where it came from, what was measured, and why it is in or out."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from flows.dedup.past import parse_past_id
from flows.history.lives import answers_over_time, life_of_row, versions_beside
from flows.history.origins import find_origin, find_request, find_seeds
from flows.history.rules import score_lines
from flows.versions import SPLIT, Version, scan_rows
from schemas.errors import InputError
from schemas.frames import DECISIONS, empty_frame

_FINAL = ("keep", "drop", "quarantine")
_TEXTS = ("id", "instruction", "input", "output", "source")


def tell_story(version: Version, beginning: str, *, home: Path) -> dict[str, Any]:
    """Return everything that is known about a row, as JSON.

    Args:
        version: where the row is looked for first; then in the others of the dataset, the newest
            first.
        beginning: of its id; an exact id comes before longer ones.
        home: journal and stages are looked into, where they are.

    Raises:
        InputError: if no row's id, or several ones, begin so.
    """
    version, row_id = _find(version, beginning)
    folder, manifest = version
    lines = _ledger(folder, pl.col("id") == row_id).to_dicts()
    row = _row(folder, row_id)
    final = next((line for line in lines if line["action"] in _FINAL), _kept_line(row))
    taken = _ledger(folder, pl.col("matched_id") == row_id).sort("id", "rule")
    matches = [line["matched_id"] for line in lines if line["matched_id"]]
    others = _texts(folder, [*matches, *taken["id"].to_list()])
    earlier = [past for past in map(parse_past_id, matches) if past is not None]
    parents = row.get("parents") or []
    return {
        "dataset": manifest.name,
        "version": manifest.version,
        "id": row_id,
        "action": final["action"],
        "stage": final["stage"],
        "rule": final["rule"],
        "split": row.get(SPLIT),
        "row": {name: value for name, value in row.items() if value is not None and name != SPLIT},
        "origin": find_origin(home, row, manifest.created),
        "request": find_request(home, row.get("request_key")),
        "parents": _parents(folder, parents),
        "scores": score_lines(version, row, lines, reached=_reached(version, final)),
        "decisions": lines,
        "matched": [others[name] for name in dict.fromkeys(matches) if name in others],
        "earlier": [past._asdict() for past in earlier],
        "took_the_place_of": taken.select("id", "rule", "similarity").to_dicts(),
        "duplicates": _duplicates(lines, taken.to_dicts(), others),
        "history": life_of_row(version, row_id),
        "answers": answers_over_time(version, row),
    }


class _Found(NamedTuple):
    version: Version
    id: str


def _find(version: Version, beginning: str) -> _Found:
    """Look a row up in a version, or else in the newest other one that knows it."""
    try:
        return _Found(version, find_id(version.folder, beginning))
    except InputError:
        for other in reversed(list(versions_beside(version))):
            with suppress(InputError):
                return _Found(other, find_id(other.folder, beginning))
        raise


def find_id(folder: Path, beginning: str) -> str:
    """Return the one id of a version that starts so; an exact match comes before longer ones.

    Raises:
        InputError: if there is none, or more than one.
    """
    starts = pl.col("id").str.starts_with(beginning)
    tables = [_scan(folder, name) for name in ("decisions", "rejects")]
    tables.append(scan_rows(folder) if any((folder / "data").glob("default/*")) else None)
    found = [table.filter(starts).select("id").collect() for table in tables if table is not None]
    ids = pl.concat(found)["id"].unique().sort() if found else pl.Series("id", [], pl.String)
    if beginning in ids:
        return beginning
    if ids.len() == 1:
        return str(ids[0])
    got = "none" if ids.is_empty() else f"{ids.len()}, such as {ids[0]!r} and {ids[1]!r}"
    msg = f"expected one row whose id begins with {beginning!r}, got {got} in {folder}: give more"
    raise InputError(msg)


def _scan(folder: Path, table: str) -> pl.LazyFrame | None:
    """Open a table; None where the version was fetched without it."""
    files = any((folder / table).glob("*.parquet"))
    return pl.scan_parquet(folder / table / "*.parquet") if files else None


def _ledger(folder: Path, wanted: pl.Expr) -> pl.DataFrame:
    """Read some decisions; an early version lacks columns, a fetched one perhaps all."""
    found = _scan(folder, "decisions")
    parts = [empty_frame(DECISIONS)]
    if found is not None:
        parts.append(found.filter(wanted).collect())
    return pl.concat(parts, how="diagonal_relaxed")


def _rejects(folder: Path, wanted: pl.Expr) -> pl.DataFrame | None:
    """Read some rows that are out; None where there are none."""
    found = _scan(folder, "rejects")
    rows = None if found is None else found.filter(wanted).collect()
    return rows if rows is not None and rows.height else None


def _row(folder: Path, row_id: str) -> dict[str, Any]:
    """Read one row, kept or not; nothing where it was left out."""
    kept = scan_rows(folder).filter(pl.col("id") == row_id).collect()
    if kept.height:
        return kept.row(0, named=True)
    rejects = _rejects(folder, pl.col("id") == row_id)
    return {"id": row_id} if rejects is None else rejects.row(0, named=True)


def _kept_line(row: Mapping[str, Any]) -> dict[str, Any]:
    """The final decision of a row of which the ledger is not here."""
    is_kept = row.get(SPLIT) is not None
    return {"action": "keep" if is_kept else "unknown", "stage": "publish", "rule": "kept"}


def _texts(folder: Path, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read the texts of rows, kept or not."""
    if not ids:
        return {}
    wanted = pl.col("id").is_in(list(ids))
    kept = scan_rows(folder).filter(wanted).select(_TEXTS).collect()
    out = _rejects(folder, wanted)
    found = [kept, *([] if out is None else [out.select(_TEXTS)])]
    return {row["id"]: row for part in found for row in part.to_dicts()}


def _duplicates(
    lines: Sequence[Mapping[str, Any]],
    taken: Sequence[Mapping[str, Any]],
    others: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return rows that repeat this one, with their text, whichever of the two stayed."""
    pairs = [(line["matched_id"], "stays instead", line) for line in lines if line["matched_id"]]
    pairs += [(line["id"], "gave way", line) for line in taken]
    return [
        {"id": other, "fate": fate, "rule": line["rule"], "similarity": line["similarity"]}
        | {name: others.get(other, {}).get(name) for name in ("instruction", "input", "output")}
        for other, fate, line in pairs
    ]


def _parents(folder: Path, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Name what a row was made from, with its text where that can be found."""
    rows = _texts(folder, ids)
    seeds = find_seeds(folder, [name for name in ids if name not in rows])
    return [rows.get(name) or seeds.get(name) or {"id": name} for name in ids]


def _reached(version: Version, final: Mapping[str, Any]) -> bool:
    """Whether the filters saw the row: it is in, or was taken by them or later."""
    stages = [str(stage["stage"]) for stage in version.manifest.by_stage]
    after = stages[stages.index("filter") :] if "filter" in stages else []
    return final["action"] == "keep" or final["stage"] in after
