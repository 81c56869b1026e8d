"""Deduplication of a run: where its files lie, who runs it, what becomes of its rows."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.dedup.files import work_key
from flows.dedup.mapping import Mapper, thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import Shard, list_shards
from flows.dedup.stage import Encoders, Outcome, deduplicate, make_decisions, split_rows
from flows.disk import write_frame
from flows.store import StageOutput
from quality.preferences import markers_of
from quality.scorers import add_scores
from schemas.manifest import StageRef
from schemas.recipe import DedupOptions

if TYPE_CHECKING:
    from flows.session import Session


def deduplicate_stage(
    session: "Session", source: StageRef, options: DedupOptions, past: Sequence[Shard]
) -> StageOutput:
    """Deduplicate the rows of a stage.

    Args:
        session: the run.
        source: the stage whose rows come in.
        options: which methods run, with their thresholds.
        past: signatures of earlier versions.
    """
    rows = session.store.rows(source)
    markers = markers_of(rows)
    if markers.is_null().all():
        outcome = deduplicate_files(session, [session.store.rows_file(source)], options, past)
        return _as_stage(rows, outcome.explained, outcome.notes)
    found, notes = [], dict[str, Any]()
    parts = rows.with_columns(_marker=markers.fill_null("")).partition_by("_marker", as_dict=True)
    for (marker,), part in sorted(parts.items()):
        folder = session.home / "dedup" / f"{source.key}-{marker or 'unmarked'}"
        outcome = _deduplicate_part(session, part.drop("_marker"), folder, options, past)
        found.append(outcome.explained)
        says = f", {marker} marker" if marker else ""
        notes |= {f"{method}{says}": note for method, note in outcome.notes.items()}
    return _as_stage(rows, pl.concat(found), notes)


def _deduplicate_part(
    session: "Session",
    rows: pl.DataFrame,
    folder: Path,
    options: DedupOptions,
    past: Sequence[Shard],
) -> Outcome:
    """Deduplicate the rows of one marker: under another the same words ask for another answer."""
    try:
        file = folder / "part.parquet"
        write_frame(rows, file)
        return deduplicate_files(session, [file], options, past)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_stage(rows: pl.DataFrame, explained: pl.DataFrame, notes: Mapping[str, Any]) -> StageOutput:
    kept, dropped = split_rows(rows, explained)
    return StageOutput(kept, dropped, make_decisions(explained), rows.height, notes=notes)


def deduplicate_files(
    session: "Session", files: Sequence[Path], options: DedupOptions, past: Sequence[Shard]
) -> Outcome:
    """Deduplicate Parquet files with the columns of ROWS.

    Args:
        session: the run.
        files: in the order of their rows.
        options: which methods run, with their thresholds.
        past: signatures of earlier versions.
    """
    rows = rows_of(files, past)
    asked = options.model_dump_json()
    places = [*(Path(shard.path) for shard in past), *files]
    work = session.home / "dedup" / work_key(places, asked)
    outcome = deduplicate(
        rows, options, encoders=encoders_of(session), work=work, mapper=mapper_of(session)
    )
    shutil.rmtree(work, ignore_errors=True)
    return outcome


def rows_of(files: Sequence[Path], past: Sequence[Shard]) -> Rows:
    """Return the rows of files, after those of earlier versions; scored where they have no score.

    Args:
        files: in the order of their rows.
        past: signatures of earlier versions.
    """
    return Rows(past, list_shards(files, after=past), quality_of)


def encoders_of(session: "Session") -> Encoders:
    """Return where a session's semantic method gets its vectors."""
    return Encoders(lambda: session.encoder, session.home / "models")


def quality_of(rows: pl.DataFrame) -> pl.Series:
    """Score rows as `run` and `curate` do, for those that have no score yet."""
    return add_scores(rows, ("quality",))["quality"]


def mapper_of(session: "Session") -> Mapper:
    """Return what runs a session's shards and bands: threads of this machine, or Ray."""
    workers = session.spec.workers
    if session.recipe.runner == "ray":
        from flows.dedup.ray import ray_mapper

        return ray_mapper(session.progress, workers=workers)
    return thread_mapper(workers or os.cpu_count() or 1, session.progress)
