"""The flow behind `score`: the same stages as a run, another file at the end."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import stages
from flows.disk import write_frame
from flows.pipeline import ingest, signals, student
from flows.session import RunSpec, Session, close_session, session_for
from flows.sources import list_files
from flows.summary import summarise
from schemas.frames import ROWS
from schemas.manifest import StageRef

_PLACE = ("file", "row", "id")


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


@flow(name="feingold-score", flow_run_name="{spec.name}", validate_parameters=False)
def score_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Score files."""
    session = session_for(spec)
    try:
        first = ingest(spec)
        refs = [first, signals(spec, [first])]
        if session.recipe.student is not None:
            refs.append(student(spec, refs[-1]))
        write_scores(spec, refs, out)
        return _answer(session, refs, out)
    finally:
        close_session(spec)


def _answer(session: Session, refs: Sequence[StageRef], out: str) -> dict[str, Any]:
    found = summarise(session, refs)
    names = ("rows_in", "kept", "dropped", "quarantined", "by_rule", "stages")
    seconds = round(time.monotonic() - session.started, 2)
    return {**{name: found[name] for name in names}, "path": out, "seconds": seconds}


def _score_columns(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name not in ROWS]


def _file_order(session: Session) -> dict[str, int]:
    """The place of each file in the order of the command line."""
    return {name: place for place, name in enumerate(list_files(session))}
