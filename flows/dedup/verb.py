"""The flow behind `feingold dedup`: files of any size in, kept and dropped rows out."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.dedup.deduplicate import deduplicate_files, rows_of
from flows.dedup.files import work_key, write_kept
from flows.dedup.past import Past, load_past
from flows.dedup.reading import Parts, read_parts
from flows.dedup.rows import Rows
from flows.dedup.stage import Outcome
from flows.disk import write_frame
from flows.session import RunSpec, Session, close_session, session_for
from flows.sources import find_places
from schemas.frames import ROWS, empty_frame
from schemas.recipe import DedupOptions

_PLACE = ("file", "row", "id")
_VERDICT = ("method", "matched_id", "matched_file", "matched_row")
# Dropped rows that are held at once.
_AT_ONCE = 250_000


@task(task_run_name="read", cache_policy=NO_CACHE)
def read(spec: RunSpec, work: Path) -> Parts:
    """Read the files into parts."""
    return read_parts(session_for(spec), work)


@task(task_run_name="dedup", cache_policy=NO_CACHE)
def dedup(spec: RunSpec, parts: Parts, past: Past) -> Outcome:
    """Find what repeats what."""
    return deduplicate_files(session_for(spec), parts.rows, past.options, past.shards())


@task(task_run_name="write", cache_policy=NO_CACHE)
def write(parts: Parts, past: Past, outcome: Outcome, out: Path) -> None:
    """Write kept, dropped and quarantined rows."""
    rows = rows_of(parts.rows, past.shards())
    out.mkdir(parents=True, exist_ok=True)
    columns = {name: ROWS[name] for name in (*_PLACE, *ROWS)}
    write_kept(rows, outcome.dead, out / "kept.parquet", pl.Schema(columns))
    write_dropped(rows, outcome, past, out / "dropped.parquet")
    bad = [pl.read_parquet(path) for path in parts.quarantined]
    told = ["file", "row", "id", "raw", "rule", "evidence"]
    nothing = pl.DataFrame(schema={name: ROWS.get(name, pl.String) for name in told})
    write_frame(
        pl.concat([nothing, *(part.select(told) for part in bad)]).sort("file", "row", "id"),
        out / "quarantined.parquet",
    )


@flow(name="feingold-dedup", flow_run_name="{spec.name}", validate_parameters=False)
def dedup_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Deduplicate files and write what is kept and what is not."""
    session = session_for(spec)
    try:
        work = _work(session)
        options = session.recipe.dedup or DedupOptions()
        past = load_past(session, options.against)
        parts = read(spec, work)
        outcome = dedup(spec, parts, past)
        write(parts, past, outcome, Path(out))
        shutil.rmtree(work, ignore_errors=True)
        return _answer(session, parts, outcome, out)
    finally:
        close_session(spec)


def write_dropped(rows: Rows, outcome: Outcome, past: Past, path: Path) -> None:
    """Write the rows that go, each with the row that it repeats."""
    parts = [_dropped(rows, outcome.explained.clear(), past)]
    lines = outcome.explained.sort("row")
    parts += [
        _dropped(rows, lines.slice(start, _AT_ONCE), past)
        for start in range(0, lines.height, _AT_ONCE)
    ]
    write_frame(pl.concat(parts), path)


def _dropped(rows: Rows, lines: pl.DataFrame, past: Past) -> pl.DataFrame:
    """Put lines of EXPLAINED, ascending by row, beside the rows themselves."""
    gone = lines["row"].to_numpy()
    whole = rows.texts(gone, list(ROWS)) if len(gone) else empty_frame(ROWS)
    matched = lines["matched"].to_numpy()
    own = np.unique(matched[matched >= rows.n_past])
    places = (
        rows.texts(own, ["file", "row"]) if len(own) else empty_frame(ROWS).select("file", "row")
    )
    named = pl.concat(
        [
            places.select(
                matched=pl.Series(own, dtype=pl.Int64), matched_file="file", matched_row="row"
            ),
            past.places(np.unique(matched[matched < rows.n_past])),
        ]
    )
    told = lines.drop("id", "row").join(named, on="matched", how="left", maintain_order="left")
    return _first(whole.hstack(told.drop("matched")), (*_PLACE, *_VERDICT))


def _first(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    return frame.select(*names, pl.exclude(names))


def _work(session: Session) -> Path:
    """The directory of a run's parts: the same command again finds them."""
    places = [place for _, place in find_places(session) if isinstance(place, Path)]
    key = work_key(places, session.spec.recipe_json + session.spec.base)
    return session.home / "dedup" / f"files-{key}"


def _answer(session: Session, parts: Parts, outcome: Outcome, out: str) -> dict[str, Any]:
    dropped = outcome.explained.height
    quarantined = sum(parts.n_quarantined.values())
    counts = outcome.explained.group_by("method", "kind").len()
    rules = {f"{method}_{kind}": count for method, kind, count in counts.iter_rows()}
    by_rule = sorted((rules | parts.n_quarantined).items(), key=lambda item: (-item[1], item[0]))
    return {
        "rows_in": parts.n_rows + quarantined,
        "kept": parts.n_rows - dropped,
        "dropped": dropped,
        "quarantined": quarantined,
        "by_rule": dict(by_rule),
        "methods": outcome.notes,
        "path": out,
        "seconds": round(time.monotonic() - session.started, 2),
    }
