"""Fits a student and measures it on rows that it has not seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC, SVR

from quality.student.agreement import measure_held_out
from quality.student.model import (
    Kernel,
    Kind,
    Linear,
    Members,
    Scale,
    Student,
    Vectors,
    points_of,
)
from quality.student.signals import Floats, learn_signals
from quality.student.words import learn_words, prompts
from schemas.errors import InputError

FOLDS: Final = 5
#: Fewer say nothing that could be told from chance.
MIN_ROWS: Final = 50
MIN_EACH: Final = 10
_GAMMA, _COST, _WORD_COST, _RIDGE = 1.0, 3.0, 10.0, 1.0
_HALF = 0.5
# Of the curve that turns scores into values: points, and standard deviations beyond them.
_SCALE_POINTS, _BEYOND = 201, 3.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a student learns from.

    Attributes:
        rows: frame of ROWS with score columns.
        target: float64, shape (n,), in 0..1, higher is better.
        group: int64, shape (n,): rows of a pair share a number; -1 where a row stands alone.
        kind: what the targets are; of `pairs` each group holds a better and a worse row.
        vectors: float32, shape (n, d), unit rows, of prompts and of answers.
    """

    rows: pl.DataFrame
    target: Floats
    group: npt.NDArray[np.int64]
    kind: Kind
    vectors: tuple[Vectors, Vectors]


@dataclass(frozen=True, slots=True)
class _Material:
    """A lesson as numbers."""

    words: csr_matrix
    points: Vectors
    target: Floats
    pairs: npt.NDArray[np.int64]  # shape (m, 2): places of the better and the worse row
    kind: Kind

    def take(self, chosen: npt.NDArray[np.bool_]) -> "_Material":
        """Return the chosen rows; a pair goes with its rows."""
        places = np.cumsum(chosen) - 1
        whole = self.pairs[chosen[self.pairs].all(axis=1)] if len(self.pairs) else self.pairs
        return _Material(
            self.words[chosen], self.points[chosen], self.target[chosen], places[whole], self.kind
        )


def learn(lesson: Lesson, names: Sequence[str], origin: Sequence[dict[str, str]]) -> Student:
    """Fit a student to labelled rows.

    Two members, because they see different things: a linear one over words and n-grams (what is
    asked, how answers are written) and a support vector machine over sentence vectors and signals.
    The value is the mean of both. Its scale and every figure about it come from five-fold
    cross-fitting in which all rows of a prompt are in one fold; what is returned is fitted to all.
    The result does not depend on the order of the rows.

    Args:
        lesson: the labelled rows.
        names: numeric score columns that count.
        origin: names and fingerprints of the labelled files.

    Raises:
        InputError: with fewer than 50 rows, or fewer than 10 good or bad ones.

    Source:
        Penedo et al. 2024 (FineWeb-Edu), https://arxiv.org/abs/2406.17557, and Li et al. 2024
        (DCLM), https://arxiv.org/abs/2406.11794: a small model learns a large one's ratings.
        Differs: both of their kinds of model at once, and figures on held-out prompts with length
        beside them.
    """
    lesson = _in_order(lesson)
    _require_enough(lesson)
    words, signals = learn_words(lesson.rows), learn_signals(lesson.rows, list(names))
    points = points_of(signals.transform(lesson.rows), lesson.vectors)
    material = _Material(
        words.transform(lesson.rows), points, lesson.target, _pairs(lesson), lesson.kind
    )
    folds = assign_folds(lesson)
    scores = _score_unseen(material, folds)
    spreads = (float(scores[0].std() or 1.0), float(scores[1].std() or 1.0))
    nothing = np.zeros(0)
    combined = Scale(spreads, nothing, nothing).combine(scores)
    return Student(
        lesson.kind,
        words,
        signals,
        _fit(material),
        _make_scale(spreads, combined, material),
        measure_held_out(lesson.kind, combined, lesson.target, material.pairs, lesson.rows),
        list(origin),
    )


def assign_folds(lesson: Lesson) -> npt.NDArray[np.int64]:
    """Deal prompts out over the folds, the good and the bad ones alike.

    Returns:
        Int64, shape (n,), in 0..4; rows of one prompt or one group are in one fold.
    """
    texts = pl.Series(prompts(lesson.rows))
    linked = pl.DataFrame({"prompt": texts, "group": lesson.group, "target": lesson.target})
    # A group has one prompt, so the prompt alone decides.
    per_prompt = linked.group_by("prompt").agg(pl.col("target").mean())
    digests = [hashlib.sha256(text.encode("utf-8", "replace")) for text in per_prompt["prompt"]]
    dealt = (
        per_prompt.with_columns(order=pl.Series([digest.hexdigest() for digest in digests]))
        .sort("target", "order")
        .with_columns(fold=pl.int_range(pl.len(), dtype=pl.Int64) % FOLDS)
    )
    found = linked.join(dealt.select("prompt", "fold"), on="prompt", maintain_order="left")
    return found["fold"].to_numpy()


def _in_order(lesson: Lesson) -> Lesson:
    """Sort rows by content: sums of floats depend on their order."""
    keys = lesson.rows.select("id", target=lesson.target, group=lesson.group)
    order = keys.with_row_index("place").sort("id", "target", "place")["place"].to_numpy()
    return replace(
        lesson,
        rows=lesson.rows[order],
        target=lesson.target[order],
        group=lesson.group[order],
        vectors=(lesson.vectors[0][order], lesson.vectors[1][order]),
    )


def _require_enough(lesson: Lesson) -> None:
    good, bad = int((lesson.target > _HALF).sum()), int((lesson.target < _HALF).sum())
    if len(lesson.target) < MIN_ROWS or min(good, bad) < MIN_EACH:
        msg = (
            f"expected at least {MIN_ROWS} labelled rows with {MIN_EACH} above and {MIN_EACH} "
            f"below the middle, got {len(lesson.target)} with {good} and {bad}: label more rows"
        )
        raise InputError(msg)


def _pairs(lesson: Lesson) -> npt.NDArray[np.int64]:
    """Places of the better and the worse row of each group; none where they are equal."""
    if lesson.kind != "pairs":
        return np.zeros((0, 2), np.int64)
    places = pl.DataFrame({"group": lesson.group, "target": lesson.target}).with_row_index("place")
    sides = places.filter(pl.col("target") != _HALF).sort("group", "target")
    found = sides.group_by("group", maintain_order=True).agg(
        worse=pl.col("place").first(), better=pl.col("place").last(), n=pl.len()
    )
    return found.filter(pl.col("n") == 2).select("better", "worse").to_numpy().astype(np.int64)


def _score_unseen(material: _Material, folds: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Score every row with members that were fitted to the other folds."""
    linear, kernel = np.zeros(len(material.target)), np.zeros(len(material.target))
    for fold in range(FOLDS):
        unseen = folds == fold
        members = _fit(material.take(~unseen))
        linear[unseen] = members.linear.score(material.words[unseen])
        kernel[unseen] = members.kernel.score(material.points[unseen])
    return linear, kernel


def _fit(material: _Material) -> Members:
    if material.kind == "ratings":
        return Members(_fit_ridge(material), _fit_regression(material))
    good = material.target > _HALF
    told = material.target != _HALF
    machine = SVC(
        C=_COST, gamma=_GAMMA, class_weight="balanced", cache_size=500, random_state=0
    ).fit(material.points[told], good[told])
    linear = _fit_pairs(material) if material.kind == "pairs" else _fit_classes(material, good)
    return Members(linear, _kernel(machine))


def _fit_classes(material: _Material, good: npt.NDArray[np.bool_]) -> Linear:
    model = LogisticRegression(C=_WORD_COST, max_iter=2_000, class_weight="balanced")
    told = material.target != _HALF
    model.fit(material.words[told], good[told])
    return Linear(model.coef_[0], float(model.intercept_[0]))


def _fit_pairs(material: _Material) -> Linear:
    """Fit differences, as Bradley and Terry do: what a pair has in common cancels out."""
    better, worse = material.pairs.T
    gaps = material.words[better] - material.words[worse]
    won = np.repeat([True, False], len(better))
    model = LogisticRegression(C=_WORD_COST, max_iter=2_000, fit_intercept=False)
    model.fit(vstack([gaps, -gaps]), won)
    return Linear(model.coef_[0], 0.0)


def _fit_ridge(material: _Material) -> Linear:
    model = Ridge(alpha=_RIDGE, solver="lsqr", tol=1e-6).fit(material.words, material.target)
    return Linear(np.asarray(model.coef_), float(model.intercept_))


def _fit_regression(material: _Material) -> Kernel:
    spread = float(material.target.std()) or 1.0
    machine = SVR(C=_COST * spread, gamma=_GAMMA, epsilon=0.1 * spread, cache_size=500)
    return _kernel(machine.fit(material.points, material.target))


def _kernel(machine: SVC | SVR) -> Kernel:
    return Kernel(
        machine.support_vectors_.astype(np.float32),
        np.asarray(machine.dual_coef_).ravel(),
        _GAMMA,
        float(machine.intercept_[0]),
    )


def _make_scale(spreads: tuple[float, float], combined: Floats, material: _Material) -> Scale:
    """Map combined scores to 0..1 by what held-out rows with such scores turned out to be.

    A logistic curve for labels (Platt 1999), a line for ratings. For pairs, where no row is good by
    itself, it is the share of the rows learned from that a row surpasses.
    """
    beyond = _BEYOND * float(combined.std() or 1.0)
    points = np.unique(np.quantile(combined, np.linspace(0, 1, _SCALE_POINTS)))
    points = np.r_[points[0] - beyond, points, points[-1] + beyond]
    column = combined[:, None]
    if material.kind == "labels":
        curve = LogisticRegression(C=1e6).fit(column, material.target > _HALF)
        values = curve.predict_proba(points[:, None])[:, 1]
    elif material.kind == "ratings":
        slope, level = np.polyfit(combined, material.target, 1)
        values = np.clip(level + max(slope, 0.0) * points, 0, 1)
    else:
        values = np.searchsorted(np.sort(combined), points, side="right") / (len(combined) + 1)
    return Scale(spreads, points, values)
