"""The flows behind `feingold dedup --thresholds` and `--calibrate`: they look and drop nothing."""

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.dedup.calibrate import plant_rows, run_trial
from flows.dedup.calibration import report
from flows.dedup.deduplicate import encoders_of, mapper_of, rows_of
from flows.dedup.past import load_past
from flows.dedup.reading import Parts, read_parts
from flows.dedup.rows import Rows
from flows.dedup.threshold_table import describe_threshold, first_gone
from flows.dedup.thresholds import sweep
from flows.disk import write_atomically, write_frame
from flows.session import RunSpec, Session, close_session, session_for
from schemas.recipe import DedupOptions


@task(task_run_name="read", cache_policy=NO_CACHE)
def read(spec: RunSpec) -> Parts:
    """Read the files into parts."""
    session = session_for(spec)
    shutil.rmtree(_work(session), ignore_errors=True)
    return read_parts(session, _work(session))


@task(task_run_name="thresholds", cache_policy=NO_CACHE)
def compare(spec: RunSpec, parts: Parts, thresholds: Sequence[float], out: Path) -> dict[str, Any]:
    """Find what each threshold would drop; write the table of rows."""
    session = session_for(spec)
    options = session.recipe.dedup or DedupOptions()
    swept = sweep(
        _rows(session, parts),
        options,
        min(thresholds),
        encoders=encoders_of(session),
        work=_work(session) / "pairs",
        mapper=mapper_of(session),
    )
    results = {threshold: swept.results_at(threshold) for threshold in sorted(thresholds)}
    write_frame(first_gone(swept.rows, results), out / "thresholds.parquet")
    lines = [describe_threshold(swept, value, found) for value, found in results.items()]
    return {"thresholds": lines}


@task(task_run_name="calibrate", cache_policy=NO_CACHE)
def calibrate(spec: RunSpec, parts: Parts, sample: int, out: Path) -> dict[str, Any]:
    """Plant rows, look for them, write how many are found."""
    session = session_for(spec)
    options = session.recipe.dedup or DedupOptions()
    data, file = _rows(session, parts), _work(session) / "planted.parquet"
    planted = plant_rows(data, options, size=sample, seed=session.recipe.seed, file=file)
    trial = run_trial(
        data,
        planted,
        file,
        options,
        encoders=encoders_of(session),
        mapper=mapper_of(session),
    )
    found = report(trial, options)
    text = json.dumps(found, ensure_ascii=False, indent=2)
    write_atomically(out / "calibration.json", text.encode())
    return found


@flow(name="feingold-thresholds", flow_run_name="{spec.name}", validate_parameters=False)
def thresholds_flow(spec: RunSpec, out: str, thresholds: Sequence[float]) -> dict[str, Any]:
    """Show what each threshold would drop."""
    session = session_for(spec)
    try:
        parts = read(spec)
        return _answer(session, parts, compare(spec, parts, thresholds, Path(out)), out)
    finally:
        shutil.rmtree(_work(session), ignore_errors=True)
        close_session(spec)


@flow(name="feingold-calibrate", flow_run_name="{spec.name}", validate_parameters=False)
def calibrate_flow(spec: RunSpec, out: str, sample: int) -> dict[str, Any]:
    """Measure recall and precision on planted rows."""
    session = session_for(spec)
    try:
        parts = read(spec)
        return _answer(session, parts, calibrate(spec, parts, sample, Path(out)), out)
    finally:
        shutil.rmtree(_work(session), ignore_errors=True)
        close_session(spec)


def _rows(session: Session, parts: Parts) -> Rows:
    options = session.recipe.dedup or DedupOptions()
    return rows_of(parts.rows, load_past(session, options.against).shards())


def _work(session: Session) -> Path:
    """The directory of intermediate files; runs of one dataset wait for each other."""
    return session.home / "dedup" / f"explore-{session.spec.name}"


def _answer(session: Session, parts: Parts, found: dict[str, Any], out: str) -> dict[str, Any]:
    quarantined = sum(parts.n_quarantined.values())
    counts = {"rows_in": parts.n_rows + quarantined, "quarantined": quarantined}
    seconds = round(time.monotonic() - session.started, 2)
    return {**counts, **found, "path": out, "seconds": seconds}
