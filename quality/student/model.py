"""What a student consists of: plain arrays, so that a file of one can run no code."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from quality.student.signals import Floats, Signals
from quality.student.words import Words

Kind: TypeAlias = Literal["labels", "ratings", "pairs"]
Vectors: TypeAlias = npt.NDArray[np.float32]

#: What an answer's vector and a signal weigh beside the prompt's vector. Set by cross-validation.
_ANSWER_WEIGHT, _SIGNAL_WEIGHT = 0.6, 0.2
# One block of kernel values: 2,048 * 5,000 float64 = 80 MB.
_BLOCK = 2_048
#: Digits kept of a value. The order in which rows are multiplied moves the tenth.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear member over words.

    Attributes:
        weights: float64, shape (terms,).
        intercept: added to every score.
    """

    weights: Floats
    intercept: float

    def score(self, words: csr_matrix) -> Floats:
        """Return one number a row, higher is better."""
        return np.asarray(words @ self.weights).ravel() + self.intercept


@dataclass(frozen=True, slots=True)
class Kernel:
    """A member that compares rows with those it learned from: a support vector machine.

    Attributes:
        support: float32, shape (m, d): the rows that count.
        weights: float64, shape (m,).
        gamma: width of the Gaussian kernel exp(-gamma * squared distance).
        intercept: added to every score.
    """

    support: Vectors
    weights: Floats
    gamma: float
    intercept: float

    def score(self, points: Vectors) -> Floats:
        """Return one number a row, higher is better.

        Args:
            points: float32, shape (n, d).
        """
        support = self.support.astype(np.float64)
        lengths = np.einsum("ij,ij->i", support, support)
        scores = np.empty(len(points))
        for start in range(0, len(points), _BLOCK):
            block = points[start : start + _BLOCK].astype(np.float64)
            own = np.einsum("ij,ij->i", block, block)[:, None]
            distances = np.maximum(own + lengths - 2 * (block @ support.T), 0)
            scores[start : start + _BLOCK] = np.exp(-self.gamma * distances) @ self.weights
        return scores + self.intercept


@dataclass(frozen=True, slots=True)
class Members:
    """Both members, fitted to the same rows."""

    linear: Linear
    kernel: Kernel


@dataclass(frozen=True, slots=True)
class Scale:
    """How the members' scores become one number in 0..1.

    Attributes:
        spreads: standard deviation of each member's held-out scores.
        points: float64, ascending: combined scores.
        values: float64, same shape, ascending, in 0..1: what each means; between them, lines.
    """

    spreads: tuple[float, float]
    points: Floats
    values: Floats

    def combine(self, scores: tuple[Floats, Floats]) -> Floats:
        """Return the mean of the members' scores, each over its spread."""
        return (scores[0] / self.spreads[0] + scores[1] / self.spreads[1]) / 2

    def read(self, combined: Floats) -> Floats:
        """Return combined scores as values in 0..1."""
        return np.interp(combined, self.points, self.values)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How well rows were scored that a student had not seen.

    Attributes:
        measure: `auc` for labels, `spearman` for ratings, `pairwise_accuracy` for pairs.
        value: the figure.
        low: lower end of its 95 % bootstrap interval over prompts.
        high: upper end.
        length: the same figure for plain length of the answer.
        length_low: lower end of its interval.
        length_high: upper end.
        rows: rows it was measured on.
        prompts: different prompts among them.
    """

    measure: str
    value: float
    low: float
    high: float
    length: float
    length_low: float
    length_high: float
    rows: int
    prompts: int


@dataclass(frozen=True, slots=True)
class Student:
    """A fitted student.

    Attributes:
        kind: what it learned from.
        words: its vocabularies.
        signals: its scores.
        members: what was fitted.
        scale: to 0..1.
        held_out: how well it does.
        origin: names and fingerprints of what it learned from.
    """

    kind: Kind
    words: Words
    signals: Signals
    members: Members
    scale: Scale
    held_out: HeldOut
    origin: list[dict[str, str]] = field(default_factory=list)

    def score(self, rows: pl.DataFrame, vectors: tuple[Vectors, Vectors]) -> tuple[Floats, Floats]:
        """Score rows.

        Args:
            rows: frame with `instruction`, `input`, `output` and the columns of `signals`.
            vectors: float32, shape (n, d), of prompts and of answers, from the encoder and token
                weights that it was fitted with.

        Returns:
            Float64, shape (n,), twice: the value in 0..1, and how far the two members are apart on
            the same scale: where that is large, it is not sure.
        """
        found = (
            self.members.linear.score(self.words.transform(rows)),
            self.members.kernel.score(points_of(self.signals.transform(rows), vectors)),
        )
        alone = [
            self.scale.read(scores / spread)
            for scores, spread in zip(found, self.scale.spreads, strict=True)
        ]
        value = self.scale.read(self.scale.combine(found))
        return value.round(_DECIMALS), np.abs(alone[0] - alone[1]).round(_DECIMALS)


def points_of(signals: Floats, vectors: tuple[Vectors, Vectors]) -> Vectors:
    """Put vectors and signals side by side, weighted.

    Args:
        signals: float64, shape (n, k), from `Signals.transform`.
        vectors: float32, shape (n, d), unit rows, of prompts and answers.

    Returns:
        Float32, shape (n, 2 * d + k).
    """
    prompt, answer = vectors
    parts = [prompt, _ANSWER_WEIGHT * answer, _SIGNAL_WEIGHT * signals]
    return np.hstack(parts).astype(np.float32)
