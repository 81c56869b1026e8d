"""The student as a stage: every row gets its score, none is dropped."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.labels import read_labels
from flows.refresh.carrying import taught_by
from flows.session import Session
from flows.store import StageOutput, concat_decisions
from flows.student.files import StoredStudent, load_student
from flows.student.teach import teach_labels, teach_ratings
from flows.student.vectors import VectorMaker
from quality.scorers import SCORERS, add_scores
from schemas.errors import InputError
from schemas.manifest import StageRef
from schemas.recipe import StudentOptions

#: Columns of a student.
SCORE: Final = "student"
SPREAD: Final = "student_spread"
# Vectors and words of this many rows at once: about 300 MB.
_CHUNK_ROWS = 20_000


def student_stage(session: Session, source: StageRef, options: StudentOptions) -> StageOutput:
    """Teach or load a student and score every row with it.

    Raises:
        InputError: if there is too little to learn from, or the file is of another encoder.
    """
    rows = session.store.rows(source).drop(SCORE, SPREAD, strict=False)
    stored = _find(session, rows, options)
    scored = score_rows(rows, stored, VectorMaker(session.home / "models", stored.model))
    notes = {"student": describe(stored)}
    return StageOutput(scored, rows.clear(), concat_decisions([]), rows.height, notes=notes)


def score_rows(rows: pl.DataFrame, stored: StoredStudent, vectors: VectorMaker) -> pl.DataFrame:
    """Add the columns `student`, in 0..1, and `student_spread`, 0 where it is sure.

    Args:
        rows: frame of ROWS; scores that it lacks are computed.
        stored: the student.
        vectors: with its encoder.

    Raises:
        InputError: if the encoder is another one, or a score is not known any more.
    """
    student = stored.student
    if vectors.encoder.fingerprint != stored.encoder:
        msg = (
            f"expected the encoder {stored.encoder[:12]} that the student learned with, got "
            f"{vectors.encoder.fingerprint[:12]}: run `feingold learn` again"
        )
        raise InputError(msg)
    gone = [name for name in student.signals.names if name not in SCORERS]
    if gone:
        msg = f"expected scorers of this version, got {gone[0]!r} in the student: learn it again"
        raise InputError(msg)
    parts = []
    for chunk in _chunks(rows):
        missing = [name for name in student.signals.names if name not in rows.columns]
        known = add_scores(chunk, missing) if missing else chunk
        value, spread = student.score(known, vectors.encode(stored.weights, chunk))
        has_answer = pl.col("output").fill_null("").str.contains(r"\S")
        parts.append(
            chunk.with_columns(pl.Series(SCORE, value), pl.Series(SPREAD, spread)).with_columns(
                # It has seen no empty answer: that is not for it to judge.
                pl.when(has_answer).then(pl.col(SCORE, SPREAD))
            )
        )
    return pl.concat(parts)


def describe(stored: StoredStudent) -> dict[str, Any]:
    """Return what card and report say about a student."""
    student = stored.student
    return {
        "kind": student.kind,
        "held_out": asdict(student.held_out),
        "origin": student.origin,
        "signals": student.signals.names,
    }


def _find(session: Session, rows: pl.DataFrame, options: StudentOptions) -> StoredStudent:
    if options.path is not None:
        return load_student(session.resolve_path(options.path))
    vectors = VectorMaker(session.home / "models")
    if options.labels:
        return teach_labels(read_labels(options.labels, Path(session.spec.base)), vectors)
    return teach_ratings(taught_by(session, rows), vectors)


def _chunks(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for start in range(0, max(1, rows.height), _CHUNK_ROWS):
        yield rows.slice(start, _CHUNK_ROWS)
