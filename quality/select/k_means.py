"""Clusters of unit vectors: k-means on the sphere, the same clusters whatever the row order."""

from typing import NamedTuple

import numpy as np

from quality.dedup.draws import Draw
from quality.select.nearest import Floats, Places, Vectors

#: Different starts, of which the best clustering is kept.
STARTS = 4
_MOST_STEPS = 30
# Share of the rows that may still change their cluster when it stops.
_RESTLESS = 1e-3
# Rows that the starts are tried on; the best one then sees all rows.
_SAMPLE = 16_384
# 16,384 * 256 float32 = 16 MiB of cosines.
_CHUNK = 16_384
_BITS = 2.0**64


class Clusters(NamedTuple):
    """A clustering.

    Attributes:
        labels: int64, shape (n,), in 0..k-1; -1 for rows without a vector.
        centres: float32, shape (k, d), unit rows.
        cosines: float64, shape (n,): of each row with its own centre; 0 without a vector.
    """

    labels: Places
    centres: Vectors
    cosines: Floats


def cluster(vectors: Vectors, k: int, *, seed: int = 0) -> Clusters:
    """Cluster rows by cosine.

    Args:
        vectors: float32, shape (n, d), unit rows or zero rows, in an order that does not depend on
            how they came in: sorted by id.
        k: number of clusters; no more than different rows are made.
        seed: of the starts.

    Returns:
        Clusters, the largest first, each with at least one row.

    Source:
        Spherical k-means (Dhillon & Modha 2001) from k-means++ starts (Arthur & Vassilvitskii
        2007). Differs from scikit-learn's KMeans, which measured no better here: sums are made in
        a fixed order, so that threads cannot change the last digit and with it a cluster.
    """
    filled = np.flatnonzero(vectors.any(axis=1))
    here = vectors[filled]
    labels = np.full(len(vectors), -1, dtype=np.int64)
    cosines = np.zeros(len(vectors))
    if not len(here):
        return Clusters(labels, np.empty((0, vectors.shape[1]), dtype=np.float32), cosines)
    every = max(1, len(here) // _SAMPLE)
    sample = here[::every]
    tries = [_improve(sample, _start(sample, k, Draw("k-means", seed + n))) for n in range(STARTS)]
    best = max(
        range(STARTS), key=lambda n: (round(float(_assign(sample, tries[n])[1].sum()), 3), -n)
    )
    centres = _improve(here, tries[best])
    found, near = _assign(here, centres)
    sizes = np.bincount(found, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    places = np.empty(len(centres), dtype=np.int64)
    places[order] = np.arange(len(order))
    labels[filled], cosines[filled] = places[found], near
    return Clusters(labels, centres[order], cosines)


def _start(vectors: Vectors, k: int, draw: Draw) -> Vectors:
    """Choose k rows, each with a chance that grows with its distance from those before it."""
    chosen = [int(draw.number(0) % len(vectors))]
    distances = np.full(len(vectors), np.inf)
    for place in range(1, k):
        away = 1 - vectors @ vectors[chosen[-1]]
        distances = np.minimum(distances, np.clip(away, 0, None).astype(np.float64).round(6))
        sums = np.cumsum(distances)
        if sums[-1] <= 0:
            break
        point = draw.number(place) / _BITS * sums[-1]
        chosen.append(min(int(np.searchsorted(sums, point, side="right")), len(vectors) - 1))
    return vectors[chosen]


def _improve(vectors: Vectors, centres: Vectors) -> Vectors:
    """Move centres to the mean of their rows until hardly a row changes its cluster."""
    before = np.full(len(vectors), -1, dtype=np.int64)
    for _ in range(_MOST_STEPS):
        labels, _ = _assign(vectors, centres)
        if np.count_nonzero(labels != before) <= _RESTLESS * len(vectors):
            break
        before = labels
        centres = _means(vectors, labels, centres)
    return centres


def _assign(vectors: Vectors, centres: Vectors) -> tuple[Places, Floats]:
    """Return the nearest centre of each row, and its cosine."""
    labels = np.empty(len(vectors), dtype=np.int64)
    cosines = np.empty(len(vectors))
    for start in range(0, len(vectors), _CHUNK):
        rows = slice(start, start + _CHUNK)
        near = vectors[rows] @ centres.T
        labels[rows] = near.argmax(axis=1)
        cosines[rows] = near.max(axis=1)
    return labels, cosines


def _means(vectors: Vectors, labels: Places, centres: Vectors) -> Vectors:
    """Return the mean direction of each cluster; an empty one keeps its centre."""
    order = np.argsort(labels, kind="stable")
    filled, starts = np.unique(labels[order], return_index=True)
    sums = np.add.reduceat(vectors[order], starts, axis=0)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    moved = centres.copy()
    moved[filled] = sums / np.where(norms == 0, 1, norms)
    return moved
