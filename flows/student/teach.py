"""Teaches a student: labelled rows in, a student with figures on unseen rows out."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from flows.labels import Labelled
from flows.student.files import StoredStudent
from flows.student.vectors import VectorMaker
from quality.scorers import DEFAULT_SCORERS, add_scores
from quality.student.fit import Lesson, learn
from quality.student.model import Kind
from quality.student.signals import Floats
from schemas.errors import InputError
from schemas.frames import ROWS

#: The judge's scale.
_LOWEST, _HIGHEST = 1.0, 5.0
JUDGE: Final = "judge"


def teach_labels(files: Sequence[Labelled], vectors: VectorMaker) -> StoredStudent:
    """Learn from labelled files of one kind.

    Raises:
        InputError: if they are of several kinds, or too few rows.
    """
    kinds = {file.kind: file.name for file in files}
    if len(kinds) != 1:
        got = " and ".join(f"{kind} in {name}" for kind, name in sorted(kinds.items()))
        msg = f"expected labelled files of one kind, got {got or 'none'}: learn from one kind"
        raise InputError(msg)
    groups, used = [], 0
    for file in files:
        groups.append(np.where(file.group >= 0, file.group + used, -1))
        used += int(file.group.max(initial=-1)) + 1
    return _teach(
        pl.concat([file.rows.select(list(ROWS)) for file in files]),
        np.concatenate([file.target for file in files]),
        np.concatenate(groups),
        files[0].kind,
        [{"name": file.name, "sha256": file.fingerprint} for file in files],
        vectors,
    )


def teach_ratings(rows: pl.DataFrame, vectors: VectorMaker) -> StoredStudent:
    """Learn from the rows that a judge rated: 1 to 5 becomes 0 to 1.

    Args:
        rows: frame of ROWS with `judge`, null where it was not asked or failed.
        vectors: makes the vectors.

    Raises:
        InputError: if it rated too few rows.
    """
    rated = rows.filter(pl.col(JUDGE).is_not_null())
    target = ((rated[JUDGE] - _LOWEST) / (_HIGHEST - _LOWEST)).to_numpy()
    alone = np.full(rated.height, -1, np.int64)
    origin = [{"name": "the judge's ratings"}]
    return _teach(rated.select(list(ROWS)), target, alone, "ratings", origin, vectors)


def _teach(
    rows: pl.DataFrame,
    target: Floats,
    group: np.ndarray[tuple[int], np.dtype[np.int64]],
    kind: Kind,
    origin: list[dict[str, str]],
    vectors: VectorMaker,
) -> StoredStudent:
    scored = add_scores(rows, DEFAULT_SCORERS)
    names = [name for name in DEFAULT_SCORERS if scored[name].dtype.is_numeric()]
    weights = vectors.weigh(scored)
    lesson = Lesson(scored, target, group, kind, vectors.encode(weights, scored))
    student = learn(lesson, names, origin)
    return StoredStudent(student, weights, vectors.encoder.fingerprint, vectors.model)
