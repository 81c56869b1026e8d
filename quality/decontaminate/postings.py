"""Which texts of two sets share much content, summed over the terms that they have in common."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

# Cells of the table of sums that are filled at once: 32 MB.
_CELLS = 4_000_000


class Bags(NamedTuple):
    """The weighted terms of texts.

    Attributes:
        terms: int64: numbers of the terms that count, text after text, ascending in each.
        offsets: int64, shape (n + 1,): where each text starts.
        totals: float64, shape (n,): weight of each text in all.
    """

    terms: Places
    offsets: Places
    totals: Floats


class Shared(NamedTuple):
    """Pairs of texts that share enough.

    Attributes:
        left: int64: place in the first set, ascending.
        right: int64: place in the second.
    """

    left: Places
    right: Places


def make_bags(terms: pl.DataFrame, totals: Floats) -> Bags:
    """Put the terms of texts into one array.

    Args:
        terms: `text`, `number`, sorted.
        totals: float64, one for each text.
    """
    counts = np.bincount(terms["text"].to_numpy(), minlength=len(totals))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Bags(terms["number"].cast(pl.Int64).to_numpy(), offsets, totals)


def share_much(
    left: Bags, right: Bags, weights: Floats, *, min_weight: float, min_share: float
) -> Shared:
    """Find the pairs that share a weight, and a share of both their weights.

    Every pair with a common term is summed up, a block of the left set at a time.

    Args:
        left: many texts.
        right: few texts, whose terms are the only ones that count.
        weights: float64: weight of each term.
        min_weight: of the shared terms, inclusive.
        min_share: twice the shared weight over the sum of both totals, inclusive. A bound: totals
            may leave terms out that are shared.
    """
    holders = np.argsort(right.terms, kind="stable")
    owners = np.repeat(np.arange(len(right.totals)), np.diff(right.offsets))[holders]
    starts = np.searchsorted(right.terms[holders], np.arange(len(weights) + 1))
    found = [Shared(np.empty(0, np.int64), np.empty(0, np.int64))]
    for first, last in _blocks(len(left.totals), len(right.totals)):
        terms = left.terms[left.offsets[first] : left.offsets[last]]
        rows = np.repeat(np.arange(last - first), np.diff(left.offsets[first : last + 1]))
        counts = starts[terms + 1] - starts[terms]
        items = owners[_spans(starts[terms], counts)]
        cells = np.repeat(rows, counts) * len(right.totals) + items
        size = (last - first) * len(right.totals)
        sums = np.bincount(cells, np.repeat(weights[terms], counts), size)
        close = np.flatnonzero(sums >= min_weight)
        rows, items = np.divmod(close, len(right.totals))
        totals = left.totals[first + rows] + right.totals[items]
        enough = 2 * sums[close] >= min_share * totals
        found.append(Shared(first + rows[enough], items[enough]))
    return Shared(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _blocks(height: int, width: int) -> Iterator[tuple[int, int]]:
    step = max(1, _CELLS // max(1, width))
    for first in range(0, height, step):
        yield first, min(first + step, height)


def _spans(starts: Places, lengths: Places) -> Places:
    """List the places in each of the spans."""
    offsets = np.cumsum(lengths) - lengths
    places: Places = np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths)
    return places
