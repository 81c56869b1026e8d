"""How far a score moved between two versions."""

from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

#: Quantiles that are shown.
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


class Spread(NamedTuple):
    """A score in one version.

    Attributes:
        rows: rows with a score.
        nulls: rows without one: the scorer abstained, or does not apply.
        mean: null without rows, like the quantiles.
        quantiles: at QUANTILES, linearly interpolated.
    """

    rows: int
    nulls: int
    mean: float | None
    quantiles: tuple[float | None, ...]


class ScoreShift(NamedTuple):
    """A score in two versions.

    Attributes:
        column: its name.
        old: in the old version.
        new: in the new one.
        difference: of the means; null where one has none.
        distance: Kolmogorov-Smirnov: the largest difference of the two distribution functions,
            0 (the same values as often) to 1 (no overlap); null where one version has no score.
    """

    column: str
    old: Spread
    new: Spread
    difference: float | None
    distance: float | None


def score_shifts(
    old: pl.DataFrame, new: pl.DataFrame, *, besides: Collection[str] = ()
) -> list[ScoreShift]:
    """Compare every numeric column that both versions have, the largest distance first.

    Args:
        old: rows of the old version.
        new: rows of the new one.
        besides: columns that are no scores.

    Source:
        Kolmogorov 1933, Smirnov 1948. Differs: no test, only the distance. Versions share most of
        their rows, so they are no independent samples and a p-value would mean nothing.
    """
    names = [
        name
        for name, kind in new.schema.items()
        if name not in besides and _is_score(kind) and _is_score(old.schema.get(name))
    ]
    found = [_shift(name, _values(old[name]), _values(new[name])) for name in names]
    return sorted(found, key=lambda shift: (-(shift.distance or 0), shift.column))


def _is_score(kind: pl.DataType | None) -> bool:
    return kind is not None and kind.is_numeric()


def _shift(name: str, old: pl.Series, new: pl.Series) -> ScoreShift:
    before, after = _spread(old), _spread(new)
    difference = distance = None
    if before.mean is not None and after.mean is not None:
        difference = _round(after.mean - before.mean)
        distance = _distance(old.drop_nulls().to_numpy(), new.drop_nulls().to_numpy())
    return ScoreShift(name, before, after, difference, distance)


def _values(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64).fill_nan(None)


def _spread(values: pl.Series) -> Spread:
    mean = values.mean()
    quantiles = (values.quantile(share, "linear") for share in QUANTILES)
    return Spread(
        rows=values.len() - values.null_count(),
        nulls=values.null_count(),
        mean=_round(mean) if isinstance(mean, float) else None,
        quantiles=tuple(None if value is None else _round(value) for value in quantiles),
    )


def _distance(old: npt.NDArray[np.float64], new: npt.NDArray[np.float64]) -> float:
    old, new = np.sort(old), np.sort(new)
    values = np.concatenate([old, new])
    below_old = np.searchsorted(old, values, side="right") / len(old)
    below_new = np.searchsorted(new, values, side="right") / len(new)
    return _round(float(np.abs(below_old - below_new).max()))


def _round(value: float) -> float:
    return round(value, 6)
