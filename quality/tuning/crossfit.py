"""Thresholds chosen on one part of the labelled rows and judged on another."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.tuning.intervals import lower_bound
from quality.tuning.rules import Flags

#: Precisions for which a threshold is chosen, each at least as strict as the one before.
_LEVELS: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.86, 0.9, 0.93, 0.96, 0.98)
#: Rows that a threshold must drop to be chosen.
FEWEST_HITS: Final = 10
_FOLDS: Final = 5
_PROMPT: Final = ("system", "instruction", "input")


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and what it did to rows that it was not chosen on.

    Attributes:
        place: of the candidate; 0 is the strictest.
        dropped: the rows that count, Boolean of shape (rows,).
        bad: how many of them are bad.
        low: precision that is exceeded, but for the chance of error that was allowed.
    """

    place: int
    dropped: Flags
    bad: int
    low: float


def assign_parts(rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Deal rows into parts by their prompts, so that no prompt is in two of them.

    Args:
        rows: frame with `system`, `instruction` and `input`.

    Returns:
        Int64 of shape (rows,), 0..4; the same for a row whatever stands around it.
    """
    prompts = rows.select(pl.concat_str(_PROMPT, separator="\0", ignore_nulls=True)).to_series()
    digests = (hashlib.sha256(prompt.encode()).digest() for prompt in prompts)
    return np.array([int.from_bytes(digest[:8]) % _FOLDS for digest in digests], dtype=np.int64)


def judge_candidates(
    hits: Flags, bad: Flags, parts: npt.NDArray[np.int64], *, given: int | None, error: float
) -> list[Judged]:
    """Choose thresholds for several levels of precision and judge them where they were not chosen.

    For each level and part the loosest candidate is taken that reaches the level on the other
    parts; what it drops in this part counts. The threshold itself is chosen on all rows in the
    same way, so that a stricter level never drops more rows. A candidate that was given before
    anybody saw these labels needs no choosing and is judged on all rows.

    Args:
        hits: which rows each candidate drops, shape (candidates, rows); each candidate drops what
            the one before it drops, and more.
        bad: which rows are bad, shape (rows,).
        parts: part of each row, shape (rows,).
        given: place of the candidate that was given; None: there is none.
        error: chance that the bound of any candidate is wrong; they share it out.

    Returns:
        At most one entry a candidate, from the loosest to the strictest.
    """
    held_out: dict[int, Flags] = {}
    for level in _LEVELS:
        place = _choose(hits, bad, level)
        if place is not None and place != given:
            held_out[place] = _drop_elsewhere(hits, bad, parts, level)
    if given is not None:
        held_out[given] = hits[given]
    judged = []
    for place in sorted(held_out, reverse=True):
        dropped = held_out[place]
        found = int((dropped & bad).sum())
        low = lower_bound(found, int(dropped.sum()), error=error / len(held_out))
        judged.append(Judged(place, dropped, found, low))
    return judged


def _drop_elsewhere(hits: Flags, bad: Flags, parts: npt.NDArray[np.int64], level: float) -> Flags:
    """Return the rows of every part that the choice of the other parts drops."""
    dropped = np.zeros(len(bad), dtype=np.bool_)
    for part in range(_FOLDS):
        inside = parts == part
        place = _choose(hits[:, ~inside], bad[~inside], level)
        if place is not None:
            dropped |= inside & hits[place]
    return dropped


def _choose(hits: Flags, bad: Flags, level: float) -> int | None:
    """Return the loosest candidate with at least `level` of precision."""
    n_hits = hits.sum(axis=1)
    n_bad = (hits & bad).sum(axis=1)
    reaching = np.flatnonzero((n_hits >= FEWEST_HITS) & (n_bad >= level * n_hits))
    return int(reaching[-1]) if len(reaching) else None
