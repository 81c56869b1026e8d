"""Semantic duplicates: exact cosine of unit vectors, then guards."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.guards import guard_features, vetoing_guard
from quality.dedup.lexical import describe_difference, leads_agree
from quality.dedup.minhash import IndexPairs
from quality.dedup.ordering import in_order_of_survival, pairs_frame
from quality.dedup.shingles import join_columns, row_ids
from schemas.errors import RunError

Vectors = npt.NDArray[np.float32]

COLUMNS = ("instruction", "input")
THRESHOLD = 0.9
#: Better partners kept per row. Bounds the pairs of a template with thousands of look-alikes.
MAX_PARTNERS = 256
#: Digits kept of a cosine. Another batch of the encoder moves the seventh.
DECIMALS = 6
# One block of cosines: 2,048 * 8,192 float32 = 64 MiB.
_BLOCK_ROWS = 2_048
_BLOCK_COLUMNS = 8_192


class SimilarPairs(NamedTuple):
    """Pairs of row numbers and their cosines.

    Attributes:
        pairs: int64, shape (m, 2), first column < second.
        similarities: float64, shape (m,), rounded to six decimals.
    """

    pairs: IndexPairs
    similarities: npt.NDArray[np.float64]


def candidate_pairs(
    vectors: Vectors,
    threshold: float,
    *,
    keys: npt.NDArray[np.int64] | None = None,
    max_partners: int | None = None,
) -> SimilarPairs:
    """Find all pairs with a cosine of at least `threshold`, exactly.

    Args:
        vectors: float32, shape (n, d), unit rows or zero rows; zero rows pair with nothing.
        threshold: cosine above 0, compared after rounding to six decimals.
        keys: int64, shape (n,); only rows of equal key pair.
        max_partners: partners kept per row among the rows before it; None keeps all.

    Returns:
        The pairs, sorted. Memory: one block of cosines (64 MiB) and the pairs found.
    """
    found: list[IndexPairs] = [np.empty((0, 2), dtype=np.int64)]
    values: list[npt.NDArray[np.float64]] = [np.empty(0)]
    partners = np.zeros(len(vectors), dtype=np.int64)
    for rows, columns, cosines in _blocks(vectors):
        # A little below the threshold, so that rounding decides and not the comparison.
        left, right = np.nonzero(cosines >= threshold - 10.0**-DECIMALS)
        similarity: npt.NDArray[np.float64] = cosines[left, right].astype(np.float64)
        similarity = similarity.round(DECIMALS)
        left, right = left + rows, right + columns
        good = (left < right) & (similarity >= threshold)
        if keys is not None:
            good &= keys[left] == keys[right]
        left, right, similarity = left[good], right[good], similarity[good]
        if max_partners is not None:
            free = _first_partners(right, partners, max_partners)
            left, right, similarity = left[free], right[free], similarity[free]
        found.append(np.stack((left, right), axis=1))
        values.append(similarity)
    pairs = np.concatenate(found)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return SimilarPairs(pairs[order], np.concatenate(values)[order])


def has_partner(
    vectors: Vectors, threshold: float, *, keys: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.bool_]:
    """Mark the rows that `candidate_pairs` would pair, in memory that does not grow with pairs.

    Args:
        vectors: as in `candidate_pairs`.
        threshold: as in `candidate_pairs`; a cosine up to 1e-6 below it counts too.
        keys: as in `candidate_pairs`.

    Returns:
        bool, shape (n,).
    """
    found = np.zeros(len(vectors), dtype=np.bool_)
    for rows, columns, cosines in _blocks(vectors):
        similar = cosines >= threshold - 10.0**-DECIMALS
        if rows == columns:
            np.fill_diagonal(similar, val=False)
        below, right = (
            slice(rows, rows + similar.shape[0]),
            slice(columns, columns + similar.shape[1]),
        )
        if keys is not None:
            similar &= keys[below, None] == keys[right]
        found[below] |= similar.any(axis=1)
        found[right] |= similar.any(axis=0)
    return found


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
    ids, texts = row_ids(ordered), join_columns(ordered, columns)
    leads = join_columns(ordered, columns[:1])
    keys = guard_keys(texts) if guards else None
    candidates = candidate_pairs(
        vectors[positions], threshold, keys=keys, max_partners=MAX_PARTNERS
    )
    found = []
    for (left, right), similarity in zip(
        candidates.pairs.tolist(), candidates.similarities.tolist(), strict=True
    ):
        if guards and vetoing_guard(texts[left], texts[right]):
            continue
        if instruction_vectors is None:
            agrees = leads_agree((texts[left], leads[left]), (texts[right], leads[right]))
        else:
            pair = instruction_vectors[positions[[left, right]]].astype(np.float64)
            agrees = round(float(pair[0] @ pair[1]), DECIMALS) >= threshold
        if agrees:
            evidence = describe_difference(texts[left], texts[right])
            found.append((ids[left], ids[right], similarity, evidence))
    return pairs_frame(found)


def guard_keys(texts: list[str]) -> npt.NDArray[np.int64]:
    """Number what the cheap guards compare: rows of unequal key never merge, whatever their cosine.

    Args:
        texts: n texts.

    Returns:
        int64, shape (n,): equal where numbers, negations, operators, languages and units agree.
    """
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(guard_features(text).key, len(numbers)) for text in texts],
        dtype=np.int64,
    )


def _blocks(
    vectors: Vectors,
) -> Iterator[tuple[int, int, npt.NDArray[np.float32]]]:
    """Yield (first row, first column, cosines) for the blocks that touch the upper triangle."""
    for rows in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[rows : rows + _BLOCK_ROWS]
        for columns in range(rows, len(vectors), _BLOCK_COLUMNS):
            yield rows, columns, block @ vectors[columns : columns + _BLOCK_COLUMNS].T


def _first_partners(
    right: npt.NDArray[np.int64], partners: npt.NDArray[np.int64], max_partners: int
) -> npt.NDArray[np.int64]:
    """Select the pairs for which the later row still has room, and count them in `partners`.

    Blocks come in ascending order of the earlier row, so the best rows are met first.
    """
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(starts, append=len(ordered))
    nth = np.arange(len(ordered)) - np.repeat(starts, lengths)
    chosen = np.sort(order[partners[ordered] + nth < max_partners])
    partners += np.bincount(right[chosen], minlength=len(partners))
    return chosen


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
