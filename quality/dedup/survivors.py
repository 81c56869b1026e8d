"""From verified pairs to the rows that go: the best row of every pair stays.

No transitive closure: A~B and B~C do not make C a duplicate of A. Closure is what wiped
859,092 templated rows down to 2 (marin#6854).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from quality.dedup.kernels import Places
from schemas.errors import RunError
from schemas.frames import FrameSchema

#: A row that goes, the kept row that it duplicates and how much.
DROPPED: FrameSchema = {
    "id": pl.String,
    "matched_id": pl.String,
    "similarity": pl.Float64,
}


class Dropped(NamedTuple):
    """Rows that go, ascending, and the kept row that each repeats.

    Attributes:
        rows: int64, shape (d,).
        matched: int64, shape (d,).
        similarity: float64, shape (d,).
    """

    rows: Places
    matched: Places
    similarity: npt.NDArray[np.float64]


def rows_in_pairs(pairs: Places) -> tuple[Places, Places]:
    """Return the rows that are in a pair, and the pairs as places among them.

    Args:
        pairs: int64, shape (m, 2 or more): row numbers.

    Returns:
        int64, ascending, without repeats; and int64, shape (m, 2).
    """
    named, places = np.unique(pairs[:, :2], return_inverse=True)
    return named, places.reshape(-1, 2).astype(np.int64)


def drop_worse(
    pairs: Places, similarity: npt.NDArray[np.float64], rank: Places, ties: Places
) -> Dropped:
    """Drop every row that duplicates a better row which itself is kept.

    Rows are taken by rank. A row goes if and only if it has a pair with a row already kept.

    Args:
        pairs: int64, shape (m, 2 or more): row numbers.
        similarity: float64, shape (m,).
        rank: int64, shape (n,): place in the order of survival, all different.
        ties: int64, shape (n,): of several equally similar kept rows the one with the smallest
            value is named; the place of its id among all, so that no order of input matters.

    Returns:
        The rows that go, each with its most similar kept row.
    """
    left, right = pairs[:, 0], pairs[:, 1]
    is_left_better = rank[left] < rank[right]
    better, worse = np.where(is_left_better, left, right), np.where(is_left_better, right, left)
    # By the rank of the worse row; of its partners the most similar first.
    order = np.lexsort((ties[better], -similarity, rank[worse]))
    chosen = _first_kept(better[order], worse[order], len(rank))
    found = order[chosen]
    found = found[np.argsort(worse[found])]
    return Dropped(worse[found], better[found], similarity[found])


@njit(cache=True, nogil=True)
def _first_kept(better: Places, worse: Places, n_rows: int) -> Places:
    """Return the place of the first pair of each worse row whose better row is kept."""
    gone = np.zeros(n_rows, np.bool_)
    chosen = np.empty(better.size, np.int64)
    used = 0
    for place in range(better.size):
        if not gone[worse[place]] and not gone[better[place]]:
            gone[worse[place]] = True
            chosen[used] = place
            used += 1
    return chosen[:used].copy()


def choose_survivors(priorities: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Drop every row that duplicates a better row which itself is kept.

    Args:
        priorities: columns `id` (String, unique) and `priority` (Float64, null and NaN = unknown);
            one line per row of the dataset. The highest priority survives, then the smallest id.
        pairs: PAIRS; every id must occur in `priorities`.

    Returns:
        DROPPED, sorted by id. `matched_id` is the most similar kept row, the smallest id of equals.

    Raises:
        RunError: if an id is not unique, or a pair names a row that is not there.

    Example:
        >>> rows = pl.DataFrame({"id": ["a", "b", "c"], "priority": [0.1, 0.9, 0.5]})
        >>> pairs = pl.DataFrame({"id_a": ["a", "b"], "id_b": ["b", "c"],
        ...                       "similarity": [0.8, 0.7]})
        >>> choose_survivors(rows, pairs)["id"].to_list()
        ['a', 'c']
    """
    rows = priorities.sort("id")
    ids = rows["id"]
    if ids.n_unique() != ids.len():
        msg = f"expected unique ids among the rows, got {ids.len() - ids.n_unique()} repeated"
        raise RunError(msg)
    numbers = [_numbers(pairs[column], ids) for column in ("id_a", "id_b")]
    order = np.arange(rows.height, dtype=np.int64)
    dropped = drop_worse(
        np.stack(numbers, axis=1),
        pairs["similarity"].to_numpy(),
        rank_rows(rows["priority"], order),
        order,
    )
    return pl.DataFrame(
        {
            "id": ids.gather(dropped.rows),
            "matched_id": ids.gather(dropped.matched),
            "similarity": dropped.similarity,
        },
        schema=dict(DROPPED),
    )


def rank_rows(priority: pl.Series, ties: Places) -> Places:
    """Return every row's place in the order of survival: highest priority, unknown last, then ties.

    Args:
        priority: Float64, null and NaN = unknown.
        ties: int64, shape (n,), all different: the smaller one survives.

    Returns:
        int64, shape (n,).
    """
    # NaN sorts above every number in Polars; an unknown priority must come last.
    known = priority.cast(pl.Float64).fill_nan(None)
    best_first = np.lexsort((ties, -known.fill_null(0.0).to_numpy(), known.is_null().to_numpy()))
    rank = np.empty(len(best_first), dtype=np.int64)
    rank[best_first] = np.arange(len(best_first))
    return rank


def largest_group_share(matched: Places, n_rows: int) -> float:
    """Return the share of all rows that ended in the largest group (a kept row and its drops).

    The alarm for a method that lumps a whole template together.

    Args:
        matched: int64: the kept row of every dropped one.
        n_rows: number of rows before dropping.

    Returns:
        0.0 where nothing was dropped, else in (0, 1].
    """
    if not len(matched) or n_rows <= 0:
        return 0.0
    return float(np.unique(matched, return_counts=True)[1].max() + 1) / n_rows


def _numbers(named: pl.Series, ids: pl.Series) -> Places:
    """Return the places of ids in a sorted series of them."""
    places = ids.search_sorted(named)
    found = ids.gather(places.clip(0, max(0, ids.len() - 1))) if ids.len() else named.clear()
    unknown = named.filter(found != named) if ids.len() else named
    if unknown.len():
        msg = f"expected pairs of known rows, got {unknown[0]!r}; pass every row's id"
        raise RunError(msg)
    numbers: Places = places.to_numpy().astype(np.int64)
    return numbers
