"""Semantic duplicates: exact cosine of unit vectors, then guards."""

import numpy as np
import polars as pl

from quality.dedup.cosines import DECIMALS, Vectors, candidate_pairs
from quality.dedup.guards import guard_keys
from quality.dedup.lexical import judge_found
from quality.dedup.ordering import in_order_of_survival, pairs_frame
from quality.dedup.shingles import join_columns, row_ids
from schemas.errors import RunError

COLUMNS = ("instruction", "input")
THRESHOLD = 0.9
#: Better partners kept per row. Bounds the pairs of a template with thousands of look-alikes.
MAX_PARTNERS = 256


def semantic_pairs(
    rows: pl.DataFrame,
    vectors: Vectors,
    instruction_vectors: Vectors | None = None,
    *,
    columns: tuple[str, ...] = COLUMNS,
    threshold: float = THRESHOLD,
    guards: bool = True,
) -> pl.DataFrame:
    """Pair the rows whose prompts mean the same.

    Args:
        rows: frame with a unique String `id`, String `columns` and perhaps Float64 `priority`
            (see `in_order_of_survival`).
        vectors: float32, shape (n, d), unit rows: the joined `columns` of each row; a zero row
            (an empty text, or one that was not encoded) pairs with nothing.
        instruction_vectors: the same for the first column alone, which must reach `threshold` too
            (one abstract under two questions is two tasks). None: its words must agree instead,
            as in `lexical_pairs`.
        columns: what `vectors` were made from.
        threshold: cosine, above 0, compared after rounding to six decimals.
        guards: whether differing numbers, negations and the like forbid a pair.

    Returns:
        PAIRS sorted by `id_a`, `id_b`; `similarity` is the cosine of `vectors`. Does not depend
        on the order of `rows`.

    Raises:
        RunError: if a column is missing, an id occurs twice or the vectors do not fit the rows.

    Source:
        SemHash (MinishLab). Differs: exact, guarded, no connected components.
    """
    row_ids(rows)
    _check_vectors(rows, vectors, instruction_vectors)
    ordered = in_order_of_survival(rows.with_row_index("position"))
    positions = ordered["position"].to_numpy()
    texts = join_columns(ordered, columns)
    keys = guard_keys(texts).to_numpy() if guards else None
    candidates = candidate_pairs(
        vectors[positions], threshold, keys=keys, max_partners=MAX_PARTNERS
    )
    pairs, similarities = candidates
    verdicts = judge_found(ordered, pairs, columns, guards=guards)
    if instruction_vectors is None:
        passed = verdicts.passed
    else:
        asked = instruction_vectors[positions]
        cosines = np.einsum("md,md->m", asked[pairs[:, 0]], asked[pairs[:, 1]], dtype=np.float64)
        passed = verdicts.vetoes.is_null().to_numpy() & (cosines.round(DECIMALS) >= threshold)
    return pairs_frame(ordered["id"], pairs[passed], similarities[passed])


def _check_vectors(
    rows: pl.DataFrame, vectors: Vectors, instruction_vectors: Vectors | None
) -> None:
    """Raise unless there is one unit or zero vector per row."""
    for name, array in (("vectors", vectors), ("instruction_vectors", instruction_vectors)):
        if array is None:
            continue
        if array.ndim != 2 or len(array) != rows.height:
            msg = f"expected {name} of shape ({rows.height}, d), got {array.shape}"
            raise RunError(msg)
        norms = np.linalg.norm(array, axis=1)
        if not np.all((norms == 0) | (np.abs(norms - 1) < 1e-3)):
            msg = f"expected {name} of length 1 (or 0), got {norms.min():.4f}..{norms.max():.4f}"
            raise RunError(msg)
