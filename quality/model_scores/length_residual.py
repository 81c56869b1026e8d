"""What of a score the length of the answer does not explain."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Fewer scored rows say too little about what is usual for a length.
MIN_ROWS = 200
_MIN_WINDOW = 30
_WINDOW_SHARE = 0.05
#: Of a normal distribution, the standard deviation over the median absolute deviation.
_NORMAL = 1.4826
_SMALLEST_SPREAD = 1e-6


def length_residual(values: Floats, lengths: Floats, *, min_rows: int = MIN_ROWS) -> Floats:
    """Compare every score with those of the answers nearest to it in length.

    Rows are put in order of length. Around each length lies a window of 5 % of the rows, at least
    30, and all rows of the lengths at its ends. What is usual for a length is the line through the
    windows' medians (of score over the logarithm of length), level beyond the first and the last.
    The score loses what is usual and is divided by the window's spread: so nothing of level or
    spread is left that a function of length could say, whatever its shape.

    A row's value depends on the pool it is in, not on the order of the rows.

    Args:
        values: scores; NaN where there is none.
        lengths: lengths of the answers, above 0, in any unit.
        min_rows: rows with a score below which all are NaN.

    Returns:
        Float64 in robust standard deviations: 0 is usual for the length, 2 unusually high. NaN
        where the score is NaN or the length is not above 0, and where half of the window have one
        and the same score.

    Source:
        Running medians (Tukey 1977) and the modified z-score (Iglewicz and Hoaglin 1993). That a
        score must be seen beside length: Dubois et al. 2024, https://arxiv.org/abs/2404.04475.

    Example:
        >>> lengths = np.repeat(np.arange(1.0, 101), 4)
        >>> noise = np.tile([0.0, 1.0, 2.0, 3.0], 100)
        >>> found = length_residual(10 * np.log(lengths) + noise, lengths)
        >>> found[200:204].round(1).tolist()
        [-1.0, -0.3, 0.3, 1.0]
    """
    found = np.full(len(values), np.nan)
    rows = np.flatnonzero(np.isfinite(values) & np.isfinite(lengths) & (lengths > 0))
    if len(rows) < min_rows:
        return found
    rows = rows[np.lexsort((values[rows], lengths[rows]))]
    places, scores = np.log(lengths[rows]), values[rows]
    windows = _windows(places)
    residuals = scores - _usual(places, scores, windows)
    found[rows] = residuals / _spreads(residuals, windows)
    return found


def _windows(places: Floats) -> list[tuple[slice, slice]]:
    """Return for each length its own rows and its window, which cuts no tie."""
    width = max(_MIN_WINDOW, round(_WINDOW_SHARE * len(places)))
    starts = np.flatnonzero(np.diff(places, prepend=-np.inf))
    ends = np.append(starts[1:], len(places))
    windows = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        low = max(0, min((start + end - width) // 2, len(places) - width))
        high = min(len(places), low + width)
        first = np.searchsorted(places, places[min(low, start)], side="left")
        last = np.searchsorted(places, places[max(high, end) - 1], side="right")
        windows.append((slice(start, end), slice(int(first), int(last))))
    return windows


def _usual(places: Floats, scores: Floats, windows: list[tuple[slice, slice]]) -> Floats:
    medians = [(np.median(places[window]), np.median(scores[window])) for _, window in windows]
    knots = np.array(medians)
    _, first = np.unique(knots[:, 0], return_index=True)
    usual: Floats = np.interp(places, knots[first, 0], knots[first, 1])
    return usual


def _spreads(residuals: Floats, windows: list[tuple[slice, slice]]) -> Floats:
    """Return the spread around each row, NaN where it is none."""
    spreads = np.empty(len(residuals))
    for own, window in windows:
        around = residuals[window]
        spreads[own] = _NORMAL * np.median(np.abs(around - np.median(around)))
    spreads[spreads < _SMALLEST_SPREAD] = np.nan
    return spreads
