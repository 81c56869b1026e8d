"""Whether two rows that ask the same also answer the same.

Two answers to one prompt are a choice between answers, not a duplicate, and are told apart in every
decision.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.dedup.rows import Rows
from quality.dedup.exact import exact_keys
from quality.dedup.kernels import Places
from quality.dedup.kernels_buckets import shared_counts
from quality.dedup.shingles import Fingerprints, fingerprint
from quality.dedup.survivors import rows_in_pairs

#: Jaccard similarity from which two answers count as one.
SAME_ANSWER = 0.7
ANSWER = "output"


def answer_agreement(rows: Rows, pairs: Places) -> npt.NDArray[np.float64]:
    """Return how alike the answers of pairs of rows are.

    Args:
        rows: all rows.
        pairs: int64, shape (m, 2 or more): row numbers.

    Returns:
        float64, shape (m,): Jaccard similarity of the answers' shingles, 1 where they are equal
        after folding. Of a published row only a hash of the answer is known: 1 or 0. Rows of
        files without answers agree.
    """
    agreement = np.ones(len(pairs))
    if not len(pairs) or not rows.has_column(ANSWER):
        return agreement
    named, places = rows_in_pairs(pairs)
    left, right = places.T
    n_past = int(np.searchsorted(named, rows.n_past))
    texts = rows.texts(named[n_past:], [ANSWER])
    keys = np.concatenate([rows.past_answers(named[:n_past]), exact_keys(texts, (ANSWER,))[:, 0]])
    differs = keys[left] != keys[right]
    prints = fingerprint(pl.concat([pl.repeat("", n_past, dtype=pl.String, eager=True),
                                    texts[ANSWER]]))  # fmt: skip
    agreement[differs] = _jaccard(prints, left[differs], right[differs])
    return agreement


def _jaccard(prints: Fingerprints, left: Places, right: Places) -> npt.NDArray[np.float64]:
    sizes = np.diff(prints.offsets)
    shared = shared_counts(*prints, np.ascontiguousarray(left), np.ascontiguousarray(right))
    total = sizes[left] + sizes[right] - shared
    found: npt.NDArray[np.float64] = shared / np.maximum(total, 1)
    return found
