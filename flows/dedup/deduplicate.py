"""Deduplication of a run: where its files lie, who runs it, what becomes of its rows."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flows.dedup.files import work_key
from flows.dedup.mapping import Mapper, thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import Shard, list_shards
from flows.dedup.stage import Encoders, Outcome, deduplicate, make_decisions, split_rows
from flows.store import StageOutput
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
    outcome = deduplicate_files(session, [session.store.rows_file(source)], options, past)
    rows = session.store.rows(source)
    kept, dropped = split_rows(rows, outcome.explained)
    lines = make_decisions(outcome.explained)
    return StageOutput(kept, dropped, lines, rows.height, notes=outcome.notes)


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
