"""Lays vectors out in the plane, like ones near each other."""

import warnings
from typing import Final

import numpy as np

from quality.select.nearest import Vectors

#: More points are laid out by UMAP, which takes ten seconds to compile; t-SNE takes two seconds of
#: one core for 1,000 and 18 for 3,000.
FEW_POINTS: Final = 1_500

_DIMENSIONS = 50
# Fewer points have no neighbourhoods: they stand in a row.
_LEAST_POINTS = 5
_STEPS = 500


def lay_out(vectors: Vectors, *, seed: int = 0) -> Vectors:
    """Place vectors in the unit square.

    Args:
        vectors: float32, shape (n, d), in an order that does not depend on how they came in.
        seed: of both methods.

    Returns:
        float32, shape (n, 2), in 0..1.

    Source:
        van der Maaten & Hinton 2008 (t-SNE); McInnes et al. 2018 (UMAP),
        https://arxiv.org/abs/1802.03426. Both start from principal components, so that their
        coarse layout is not drawn by lot.
    """
    if len(vectors) < _LEAST_POINTS:
        line = np.linspace(0.2, 0.8, max(1, len(vectors)), dtype=np.float32)[: len(vectors)]
        return np.stack([line, np.full_like(line, 0.5)], axis=1)
    # Both take seconds to import; whoever only reads versions needs none of it.
    from sklearn.decomposition import PCA

    components = min(_DIMENSIONS, *vectors.shape)
    reduced = PCA(components, svd_solver="covariance_eigh").fit_transform(vectors)
    few = len(vectors) <= FEW_POINTS
    found = _few(reduced, seed) if few else _many(reduced, seed)
    return _to_square(np.nan_to_num(found))


def _few(vectors: Vectors, seed: int) -> Vectors:
    from sklearn.manifold import TSNE

    placed: Vectors = TSNE(
        perplexity=min(30.0, (len(vectors) - 1) / 3),
        init="pca",
        random_state=seed,
        max_iter=_STEPS,
        n_jobs=1,
    ).fit_transform(vectors)
    return placed


def _many(vectors: Vectors, seed: int) -> Vectors:
    from umap import UMAP

    with warnings.catch_warnings():
        # It says that a seed costs it its threads; that is wanted.
        warnings.simplefilter("ignore", UserWarning)
        placed: Vectors = UMAP(
            n_neighbors=15, min_dist=0.1, init="pca", random_state=seed, n_jobs=1
        ).fit_transform(vectors)
    return placed


def _to_square(placed: Vectors) -> Vectors:
    """Scale to the unit square; the two axes alike, so that distances keep their meaning."""
    low, high = placed.min(axis=0), placed.max(axis=0)
    size = float((high - low).max()) or 1.0
    centred = (placed - (low + high) / 2) / size
    square: Vectors = (centred + 0.5).clip(0, 1).astype(np.float32)
    return square
