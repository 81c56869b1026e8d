"""Stages that a refresh has and a run has not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from flows.refresh.known import decided_ids
from flows.refresh.night import CARRIED, EARLIER, Night
from flows.session import Session
from flows.store import StageOutput, Store, concat_decisions, concat_rows
from flows.versions import SPLIT, open_version, read_data, read_decisions, read_rejects
from schemas.frames import DECISIONS, ROWS, empty_frame
from schemas.manifest import StageRef

#: Stage of the line that says that a row is published.
PUBLISH: Final = "publish"
_ENTERED = "entered in "
# Each night asks for a number of rows; what it made beyond that is left out for good.
_BEYOND = "over_target"


def leave_decided(session: Session, night: Night, source: StageRef) -> StageRef:
    """Leave out the rows that an earlier version kept, dropped or quarantined.

    They are not lost: their story is in that version, and those kept are carried on.

    Args:
        session: the run.
        night: with the versions.
        source: all rows of the sources.
    """

    def compute() -> StageOutput:
        decided = decided_ids(night)
        rows, dropped, decisions = (
            frame.join(decided.to_frame(), on="id", how="anti", maintain_order="left")
            for frame in (
                session.store.rows(source),
                session.store.dropped(source),
                session.store.decisions(source),
            )
        )
        came = session.store.manifest(source).rows_in
        rows_in = rows.height + dropped.height
        notes = {"decided_before": came - rows_in}
        return StageOutput(rows, dropped, decisions, rows_in, notes=notes)

    return session.store.run(
        "ingest", config={"history": night.history}, inputs=[source], compute=compute
    )


def carry_on(session: Session, night: Night) -> StageRef:
    """Take over the rows of the last version with all that is known about them."""

    def compute() -> StageOutput:
        version = open_version(night.parent)
        rows = with_places(read_data(version.folder)).drop(SPLIT, strict=False)
        label = f"{version.manifest.name}@{version.manifest.version}"
        lines = _entries(rows, read_decisions(version.folder), label)
        return StageOutput(rows, rows.clear(), lines, rows.height, notes={"version": label})

    return session.store.run(CARRIED, config={"history": night.history}, inputs=[], compute=compute)


def with_places(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of ROWS that a version does not hold, without values."""
    missing = [name for name in ROWS if name not in rows.columns]
    added = rows.with_columns(pl.lit(None, ROWS[name]).alias(name) for name in missing)
    return added.with_columns(pl.col(name).cast(kind) for name, kind in ROWS.items())


def _entries(rows: pl.DataFrame, decisions: pl.DataFrame, label: str) -> pl.DataFrame:
    """One line for each row, which names the version that it entered in."""
    said = pl.col("evidence").str.starts_with(_ENTERED)
    before = decisions.filter(pl.col("stage") == PUBLISH, said).select("id", "evidence")
    evidence = pl.col("evidence").fill_null(_ENTERED + label)
    return keep_lines(rows.join(before, on="id", how="left"), evidence)


def keep_lines(rows: pl.DataFrame, evidence: pl.Expr) -> pl.DataFrame:
    """Return DECISIONS, one line for each row, that say that it is published.

    Args:
        rows: with `id` and `quality`.
        evidence: String expression over them.
    """
    lines = rows.select(
        "id",
        pl.lit(PUBLISH).alias("stage"),
        pl.lit("kept").alias("rule"),
        pl.lit("keep").alias("action"),
        pl.col("quality").cast(pl.Float64).alias("value"),
        evidence.alias("evidence"),
    )
    return pl.concat([empty_frame(DECISIONS), lines], how="diagonal")


def bring_earlier(session: Session, night: Night, source: StageRef) -> StageRef:
    """Bring the generated rows of all earlier versions before the rules again.

    Their texts come from the versions themselves: whatever became of the teacher or the prompts
    since, nothing is asked or paid again.

    Args:
        session: the run.
        night: with the versions.
        source: the rows of the sources, which no generated row repeats.
    """

    def compute() -> StageOutput:
        there = pl.concat(
            [session.store.rows(source).select("id"), session.store.dropped(source).select("id")]
        )
        parts = [_generated(Path(folder)) for folder in reversed(night.versions)]
        rows = pl.concat([empty_frame(ROWS), *parts]).unique("id", keep="first").sort("id")
        rows = rows.join(there, on="id", how="anti", maintain_order="left")
        return StageOutput(rows, rows.clear(), concat_decisions([]), rows.height)

    return session.store.run(
        EARLIER, config={"history": night.history}, inputs=[source], compute=compute
    )


def _generated(folder: Path) -> pl.DataFrame:
    """Rows that a teacher answered, without what was no row at all and what was beyond a target."""
    decisions = read_decisions(folder)
    is_unusable = pl.col("stage") == "generate"
    unusable = decisions.filter(is_unusable | (pl.col("rule") == _BEYOND))
    rejects = read_rejects(folder).join(unusable, on="id", how="anti")
    parts = [with_places(part).select(list(ROWS)) for part in (read_data(folder), rejects)]
    return pl.concat(parts).filter(pl.col("teacher").is_not_null())


def published_rows(store: Store, refs: Sequence[StageRef]) -> pl.DataFrame:
    """Return the rows of a new version: those carried on and those that a run selected.

    Args:
        store: where the stages are.
        refs: all stages of the run, the selection last.
    """
    carried = [ref for ref in refs if ref.stage == CARRIED]
    return concat_rows(store.rows(ref) for ref in [*carried, refs[-1]])


def taught_by(session: Session, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows to learn from: those of tonight and those carried on, which were rated before."""
    night = session.spec.night
    if night is None or night.is_full:
        return rows
    return concat_rows([session.store.rows(carry_on(session, night)), rows])
