"""How crowded the neighbourhood of a row is."""

from typing import Final

import numpy as np
import numpy.typing as npt

from quality.model_scores.neighbours import Nearest

_DECIMALS: Final = 6


def density(nearest: Nearest) -> npt.NDArray[np.float64]:
    """Return the mean cosine of a row to its nearest neighbours.

    High: a prototype, one of many of its kind. Low: nothing like it in the pool. The literature
    drops either end; neither end is worse by itself.

    Args:
        nearest: neighbours of every row.

    Returns:
        Float64 in -1..1; NaN for a row without neighbours.

    Source:
        Abbas et al. 2023 (SemDeDup), https://arxiv.org/abs/2303.09540, and Tirumala et al. 2023
        (D4), https://arxiv.org/abs/2308.12284, who drop what is near. Differs: the mean over
        neighbours instead of the distance to a cluster's centre, so that nothing depends on how
        many clusters there are and where they start.

    Example:
        >>> rows = np.zeros((2, 2), dtype=np.int64)
        >>> density(Nearest(rows, np.array([[0.9, 0.7], [np.nan, np.nan]]))).tolist()
        [0.8, nan]
    """
    mean: npt.NDArray[np.float64] = nearest.cosines.mean(axis=1).round(_DECIMALS)
    return mean
