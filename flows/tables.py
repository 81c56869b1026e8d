"""The flows behind `dedup` and `score`: the same stages, other files at the end."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import stages
from flows.disk import write_frame
from flows.past import load_past
from flows.pipeline import dedup, ingest, signals
from flows.session import RunSpec, Session, close_session, session_for
from flows.sources import list_files
from flows.summary import summarise
from schemas.frames import ROWS
from schemas.manifest import StageRef

_PLACE = ("file", "row", "id")


@task(task_run_name="write", cache_policy=NO_CACHE)
def write_deduplicated(spec: RunSpec, refs: Sequence[StageRef], out: str) -> None:
    """Write kept, dropped and quarantined rows."""
    session, folder = session_for(spec), Path(out)
    dropped, decisions = stages.collect(session, refs)
    kept = session.store.rows(refs[-1])
    write_frame(_by_place(kept), folder / "kept.parquet")
    lines = _dropped_lines(session, kept, dropped, decisions)
    write_frame(_by_place(lines), folder / "dropped.parquet")
    bad = decisions.filter(pl.col("action") == "quarantine")
    unread = dropped.select("file", "row", "raw", "id").join(
        bad.select("id", "rule", "evidence"), on="id"
    )
    write_frame(_by_place(unread), folder / "quarantined.parquet")


@task(task_run_name="write", cache_policy=NO_CACHE)
def write_scores(spec: RunSpec, refs: Sequence[StageRef], out: str) -> None:
    """Write one line per input row, in input order; unreadable rows have no scores."""
    session = session_for(spec)
    scored = session.store.rows(refs[-1])
    names = [name for name in _score_columns(scored) if name != "quality"]
    bad, _ = stages.collect(session, refs)
    every = pl.concat(
        [scored.select(*_PLACE, *names, "quality"), bad.select("file", "row")], how="diagonal"
    )
    order = _file_order(session)
    ranked = every.with_columns(
        pl.col("file").replace_strict(order, default=len(order)).alias("_order")
    )
    write_frame(ranked.sort("_order", "file", "row").drop("_order"), Path(out))


@flow(name="feingold-dedup", flow_run_name="{spec.name}", validate_parameters=False)
def dedup_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Deduplicate files and write what is kept and what is not."""
    session = session_for(spec)
    try:
        first = ingest(spec)
        scored = signals(spec, [first])
        unique = dedup(spec, scored)
        refs = list(dict.fromkeys([first, scored, unique]))
        write_deduplicated(spec, refs, out)
        return _answer(session, refs, out)
    finally:
        close_session(spec)


@flow(name="feingold-score", flow_run_name="{spec.name}", validate_parameters=False)
def score_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Score files."""
    session = session_for(spec)
    try:
        first = ingest(spec)
        refs = [first, signals(spec, [first])]
        write_scores(spec, refs, out)
        return _answer(session, refs, out)
    finally:
        close_session(spec)


def _answer(session: Session, refs: Sequence[StageRef], out: str) -> dict[str, Any]:
    found = summarise(session, refs)
    names = ("rows_in", "kept", "dropped", "quarantined", "by_rule", "stages")
    seconds = round(time.monotonic() - session.started, 2)
    return {**{name: found[name] for name in names}, "path": out, "seconds": seconds}


def _dropped_lines(
    session: Session, kept: pl.DataFrame, dropped: pl.DataFrame, decisions: pl.DataFrame
) -> pl.DataFrame:
    """Dropped rows with the row that each repeats."""
    final = decisions.filter(pl.col("action") == "drop")
    options = session.recipe.dedup
    places = kept.select(pl.col("id").alias("matched_id"), matched_file="file", matched_row="row")
    if options is not None and options.against:
        earlier = load_past(session, options.against).rows()
        past = earlier.select(
            pl.col("id").alias("matched_id"),
            matched_file="file",
            matched_row=pl.lit(None, dtype=pl.Int64),
        )
        places = pl.concat([places, past], how="vertical_relaxed")
    lines = final.select(
        "id",
        pl.col("rule").str.strip_suffix("_duplicate").alias("method"),
        "matched_id",
        "similarity",
        "threshold",
        "evidence",
    )
    told = dropped.join(lines, on="id", how="inner").join(places, on="matched_id", how="left")
    first = [*_PLACE, "method", "matched_id", "matched_file", "matched_row"]
    return told.select(*first, pl.exclude(first))


def _by_place(rows: pl.DataFrame) -> pl.DataFrame:
    first = [name for name in _PLACE if name in rows.columns]
    return rows.select(*first, pl.exclude(first)).sort("file", "row", "id")


def _score_columns(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name not in ROWS]


def _file_order(session: Session) -> dict[str, int]:
    """The place of each file in the order of the command line."""
    return {name: place for place, name in enumerate(list_files(session))}
