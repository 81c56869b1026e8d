"""How well scores agree with labels, with plain length beside them."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from quality.student.model import HeldOut, Kind
from quality.student.signals import Floats
from quality.student.words import prompts
from quality.words import count_words

Places = npt.NDArray[np.int64]
Figure: TypeAlias = Callable[[Places], float]
#: What agreement is measured in.
MEASURES: Final[dict[Kind, str]] = {
    "labels": "auc",
    "ratings": "spearman",
    "pairs": "pairwise_accuracy",
}
_RESAMPLES = 1_000
_SEED = 0
_HALF = 0.5


def measure_held_out(
    kind: Kind, scores: Floats, target: Floats, pairs: Places, rows: pl.DataFrame
) -> HeldOut:
    """Compare scores of unseen rows with their labels.

    Args:
        kind: what the labels are.
        scores: float64, shape (n,), higher is better.
        target: float64, shape (n,), in 0..1.
        pairs: int64, shape (m, 2), places of the better and the worse row; used for pairs alone.
        rows: frame with `instruction`, `input` and `output`, in the same order.

    Returns:
        The figure and that of the answer's length in words, each with a bootstrap interval in which
        whole prompts are drawn.
    """
    length = rows.select(count_words(pl.col("output"))).to_series().cast(pl.Float64).to_numpy()
    names = pl.Series(prompts(rows)).rank("dense").cast(pl.Int64).to_numpy() - 1
    units = names[pairs[:, 0]] if kind == "pairs" else names
    own, plain = (
        _with_interval(_figure(kind, values, target, pairs), units) for values in (scores, length)
    )
    return HeldOut(MEASURES[kind], *own, *plain, rows.height, len(np.unique(names)))


def _figure(kind: Kind, scores: Floats, target: Floats, pairs: Places) -> Figure:
    """The agreement of scores with labels, as a function of the places that count."""
    if kind == "pairs":
        gap = scores[pairs[:, 0]] - scores[pairs[:, 1]]
        wins = (gap > 0) + _HALF * (gap == 0)
        return lambda at: float(wins[at].mean())
    compare = auc if kind == "labels" else spearman
    return lambda at: compare(scores[at], target[at])


def auc(scores: Floats, target: Floats) -> float:
    """Return the chance that a good row has the higher score; ties count half.

    Args:
        scores: float64, shape (n,).
        target: float64, shape (n,); above 0.5 is good. NaN where all are alike.
    """
    good = target > _HALF
    positives, negatives = int(good.sum()), int((~good).sum())
    if not positives or not negatives:
        return float("nan")
    surplus = rankdata(scores)[good].sum() - positives * (positives + 1) / 2
    return float(surplus / (positives * negatives))


def spearman(scores: Floats, target: Floats) -> float:
    """Return the rank correlation; NaN where one side is constant."""
    left, right = rankdata(scores), rankdata(target)
    if left.std() == 0 or right.std() == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def _with_interval(figure: Figure, units: Places) -> tuple[float, float, float]:
    """Draw prompts with replacement; all rows of a drawn prompt come along."""
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(units[order]) > 0])
    members = np.split(order, starts[1:])
    generator = np.random.default_rng(_SEED)
    alone = len(members) == len(units)
    drawn = []
    for _ in range(_RESAMPLES):
        chosen = generator.integers(0, len(members), len(members))
        places = order[chosen] if alone else np.concatenate([members[one] for one in chosen])
        drawn.append(figure(places))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return figure(np.arange(len(units))), float(low), float(high)
