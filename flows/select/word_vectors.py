"""Vectors of texts by the words that they share, where no encoder is loaded."""

import numpy as np

from quality.select.nearest import Vectors

_DIMENSIONS = 64


def word_vectors(texts: list[str]) -> Vectors:
    """Latent semantic analysis: turn texts into unit vectors by the words that they share.

    Args:
        texts: different texts, sorted, so that sums do not depend on the order of rows.

    Returns:
        float32, shape (n, d), unit rows; zero rows where there is no telling word.
    """
    if not texts:
        return np.empty((0, _DIMENSIONS), dtype=np.float32)
    # scikit-learn takes a second to import; whoever only reads versions needs none of it.
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.utils.extmath import randomized_svd

    from quality.dedup.forecast import to_unit

    hashed = HashingVectorizer(
        n_features=2**14, alternate_sign=False, norm=None, stop_words="english"
    ).transform(texts)
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(hashed)
    left, sizes, _ = randomized_svd(weighted, min(_DIMENSIONS, len(texts)), random_state=0)
    return to_unit((left * sizes).astype(np.float32))
