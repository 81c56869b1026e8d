"""How much lonelier a row is than its neighbours are."""

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.model_scores.neighbours import Nearest

_DECIMALS: Final = 6
#: A distance that float32 cannot tell from none; keeps a heap of equal vectors from being
#: infinitely dense.
_SMALLEST_DISTANCE: Final = 1e-6


def outlierness(nearest: Nearest) -> npt.NDArray[np.float64]:
    """Return the local outlier factor over cosine distances.

    About 1: as crowded as where the neighbours are. 1.5: half as far again from its neighbours as
    they are from theirs. Other than a low density it does not blame a row for being in a thin
    part of the pool.

    Args:
        nearest: neighbours of every row.

    Returns:
        Float64 above 0; NaN for a row without neighbours.

    Source:
        Breunig et al. 2000 (LOF), https://doi.org/10.1145/335191.335388. Differs: exactly k
        neighbours where several are equally far, and distances of at least 1e-6.

    Example:
        >>> rows = np.array([[1], [0], [0]])
        >>> outlierness(Nearest(rows, np.array([[0.9], [0.9], [0.6]]))).round(3).tolist()
        [1.0, 1.0, 4.0]
    """
    has_neighbours = nearest.rows[:, 0] >= 0
    distances = np.maximum(1 - nearest.cosines, _SMALLEST_DISTANCE)
    reach = np.maximum(distances, distances[nearest.rows, -1])
    crowding = 1 / reach.mean(axis=1)
    factor = crowding[nearest.rows].mean(axis=1) / crowding
    found: npt.NDArray[np.float64] = np.where(has_neighbours, factor, np.nan).round(_DECIMALS)
    return found
