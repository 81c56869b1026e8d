"""Labelled rows with scores: those stored for them, or computed where they are not in a version."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.labels import Labelled
from quality.scorers import SCORERS, add_scores

_COPY = r"-\d+$"
_PLACE = " place"


@dataclass(frozen=True, slots=True)
class ScoredLabels:
    """One labelled file with scores.

    Attributes:
        labelled: the file.
        rows: its rows with score columns, in its order.
        joined: how many of them had stored scores.
    """

    labelled: Labelled
    rows: pl.DataFrame
    joined: int


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """All rows that are called good or bad, of all files.

    Attributes:
        rows: with their scores.
        target: Float64 of shape (rows,); below 0.5 is bad.
    """

    rows: pl.DataFrame
    target: npt.NDArray[np.float64]


def score_labels(labelled: Labelled, stored: pl.DataFrame | None = None) -> ScoredLabels:
    """Give labelled rows their scores.

    Args:
        labelled: a labelled file.
        stored: rows with `id` and scores, looked up by content. Labelled rows that are not there
            are scored by the scorers that need no model, and other columns abstain. None: only
            `quality` is computed.
    """
    if stored is None:
        return ScoredLabels(labelled, add_scores(labelled.rows, ()), 0)
    rows = labelled.rows.with_row_index(_PLACE)
    columns = [name for name in stored.columns if name not in labelled.rows.columns]
    known = (
        stored.with_columns(pl.col("id").str.replace(_COPY, ""))
        .unique("id", keep="first", maintain_order=True)
        .select("id", *columns)
    )
    found = rows.join(known, on="id", how="inner")
    others = rows.join(known, on="id", how="anti")
    scored = add_scores(others, [name for name in columns if name in SCORERS])
    every = pl.concat([found, scored], how="diagonal_relaxed").sort(_PLACE).drop(_PLACE)
    return ScoredLabels(labelled, every, found.height)


def join_files(files: Sequence[ScoredLabels]) -> LabelledRows | None:
    """Return the rows of all files but those of pairs, None if there are no others.

    The worse of two answers can be a good one, so a pair says nothing about a threshold.

    Args:
        files: labelled files with scores.
    """
    told = [one for one in files if one.labelled.kind != "pairs"]
    if not told:
        return None
    rows = pl.concat([one.rows for one in told], how="diagonal_relaxed")
    return LabelledRows(rows, np.concatenate([one.labelled.target for one in told]))
