"""Scores of rows, made comparable: each value's place among those learned from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
_QUANTILES = 200


@dataclass(frozen=True, slots=True)
class Signals:
    """Which scores count, and how their values are spread.

    Attributes:
        names: score columns.
        edges: float64, shape (names, 201): the quantiles of each.
    """

    names: list[str]
    edges: Floats

    def transform(self, rows: pl.DataFrame) -> Floats:
        """Return each score's quantile, centred, and whether it abstained.

        Args:
            rows: frame with the columns `names`.

        Returns:
            Float64, shape (n, 2 * names): quantiles in -0.5..0.5, 0 where a score abstained, then
            0.5 where it abstained and -0.5 where it did not.
        """
        if not self.names:
            return np.zeros((rows.height, 0))
        values = rows.select(pl.col(self.names).cast(pl.Float64)).to_numpy()
        missing = np.isnan(values)
        levels = np.linspace(-0.5, 0.5, self.edges.shape[1])
        places = np.zeros(values.shape)
        for column, edges in enumerate(self.edges):
            places[:, column] = _place(values[:, column], edges, levels)
        places[missing] = 0.0
        return np.hstack([places, missing - 0.5])


def learn_signals(rows: pl.DataFrame, names: list[str]) -> Signals:
    """Take the quantiles of scores that differ between rows; the others say nothing.

    Args:
        rows: frame with the columns `names`.
        names: numeric score columns.
    """
    kept, edges = [], []
    for name in names:
        values = rows[name].cast(pl.Float64).to_numpy()
        known = values[np.isfinite(values)]
        if known.size and (known.min() < known.max() or known.size < values.size):
            kept.append(name)
            edges.append(np.quantile(known, np.linspace(0, 1, _QUANTILES + 1)))
    return Signals(kept, np.array(edges).reshape(len(kept), _QUANTILES + 1))


def _place(values: Floats, edges: Floats, levels: Floats) -> Floats:
    """Where many rows share a value, the middle of their quantiles."""
    known = np.nan_to_num(values, nan=edges[0])
    # `interp` gives the last of equal edges from one side and the first from the other.
    upper = np.interp(known, edges, levels)
    lower = -np.interp(-known, -edges[::-1], -levels[::-1])
    return (upper + lower) / 2
