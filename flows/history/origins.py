"""Where a row came from, as far as the home still knows: file, request, seeds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.history.snapshot import read_recipe
from flows.journal_tools import opened_to_read
from flows.store import Store
from flows.teachers.replies import read_reply
from schemas.manifest import StageRef

#: Characters of a prompt or a reply that are shown.
SHOWN: Final = 1_000
# Stages that read rows; the newest are looked into.
_MOST_STAGES = 50


def find_origin(home: Path, row: Mapping[str, Any], created: str) -> dict[str, Any]:
    """Return source, licence, file and position of a row.

    A published row does not hold its file, whose path may be private: the stages of the home do.

    Args:
        home: of the run; what it no longer has is null.
        row: as the version holds it.
        created: when the version was made; files change, and positions with them.
    """
    told = {name: row.get(name) for name in ("source", "license", "file", "row", "teacher")}
    if told["file"] is None and not row.get("request_key"):
        told |= _place(home, str(row["id"]), row.get("source"), created)
    return told


def _place(home: Path, row_id: str, source: str | None, created: str) -> dict[str, Any]:
    """Look a row up in the newest stage that is no newer than a version, or else in the others."""
    ages = {path: path.stat().st_mtime for path in _ingested(home)}
    try:
        limit = datetime.fromisoformat(created).timestamp() + 1
    except ValueError:
        limit = float("inf")
    for path in sorted(ages, key=lambda path: (ages[path] > limit, -ages[path]))[:_MOST_STAGES]:
        mine = (pl.col("id") == row_id) & pl.col("source").eq_missing(pl.lit(source))
        try:
            rows = pl.scan_parquet(path, glob=False).filter(mine).select("file", "row").collect()
        except (pl.exceptions.PolarsError, OSError):
            continue
        if rows.height:
            return rows.row(0, named=True)
    return {}


def _ingested(home: Path) -> Iterator[Path]:
    """Yield the files of rows as they were read."""
    store = Store(home)
    for folder in (store.root / "ingest").glob("*/"):
        path = store.rows_file(StageRef("ingest", folder.name, str(folder)))
        if path.is_file():
            yield path


def find_request(home: Path, key: str | None) -> dict[str, Any] | None:
    """Return the request that a row came from and the reply to it; null where it is not known.

    Raises:
        RunError: if the journal is damaged.
    """
    if not key:
        return None
    told: dict[str, Any] = {"key": key}
    with opened_to_read(home) as db:
        if db is None:
            return told
        found = db.execute(
            "SELECT model, base_url, request, status, body, prompt_tokens, completion_tokens,"
            " cost_usd, created FROM replies WHERE key = ?",
            (key,),
        ).fetchone()
    if found is None:
        return told
    model, base_url, request, status, body, prompt, completion, cost, created = found
    reply = read_reply(key, status, body, replayed=True)
    return told | {
        "model": model,
        "base_url": base_url,
        "created": datetime.fromtimestamp(created, UTC).isoformat(timespec="seconds"),
        "prompt": _prompt(request)[:SHOWN],
        "reply": (reply.text or reply.error or "")[:SHOWN],
        "tokens": {"prompt": prompt, "completion": completion},
        "cost_usd": cost,
    }


def _prompt(request: str) -> str:
    """Return the text of a request, whichever endpoint it was for."""
    try:
        body = json.loads(request)
    except ValueError:
        return request
    if not isinstance(body, dict):
        return request
    turns = body.get("messages")
    if isinstance(turns, list):
        return "\n".join(f"[{turn.get('role')}] {turn.get('content')}" for turn in turns)
    return str(body.get("prompt") or request)


def find_seeds(folder: Path, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the built-in seed tasks among `ids`, where the recipe of a version uses them."""
    generators = read_recipe(folder).get("generators")
    listed = generators if isinstance(generators, list) else []
    own = [entry.get("seeds", "builtin") for entry in listed if isinstance(entry, dict)]
    if not ids or any(name != "builtin" for name in own):
        return {}
    return {seed["id"]: seed for seed in _builtin_seeds() if seed.get("id") in set(ids)}


def _builtin_seeds() -> Iterator[dict[str, Any]]:
    folder = files("flows.generators") / "seeds"
    names = ("id", "instruction", "input", "output")
    for item in folder.iterdir():
        if item.name.endswith(".jsonl"):
            for line in item.read_text(encoding="utf-8").splitlines():
                seed = json.loads(line)
                yield {name: seed.get(name) for name in names} | {"source": "built-in seed"}
