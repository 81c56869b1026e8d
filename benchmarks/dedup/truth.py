"""All pairs of rows whose shingle sets have a Jaccard of at least the threshold: exact, no hashing.

Judges what a tool kept, so it must not share the tools' shortcuts:

- Words come from the definitions in WORDS, in plain Python. A tool that reads raw text is judged
  by the definition nearest to its own, so that nobody loses for cutting words another way.
- Shingles are numbered by their text, so no two of them can collide.
- Candidates come from the prefix filter of set-similarity joins (Chaudhuri et al. 2006; Bayardo et
  al. 2007): with the shingles of every row in one fixed order, rarest first, two rows of Jaccard
  t or more have one in common among the first |x| - ceil(t |x|) + 1 of each. It loses no pair.
- Every candidate is then counted over the whole sets.
"""

import math
import re
import sys
import unicodedata
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

BLOCK = 20_000  # rows multiplied, or candidates counted, at once
_SIGN = re.compile(r"\W")
_SPACE = re.compile(r"\s+")
# feingold's definition, written once more rather than imported: a truth must not inherit a bug.
_MARKS = (chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code))[0] == "M")
_WORD = re.compile(rf"[\w{''.join(_MARKS)}]+")
# Thai, Lao, Tibetan, Burmese, Khmer, kana and Han: character 5-grams where they are over a third.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_UNSPACED_NGRAM = 5


def fold(text: str) -> str:
    """Case and white space folded, NFC."""
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip().casefold())


#: Name to words of a text.
WORDS: dict[str, Callable[[str], list[str]]] = {
    "spaces": lambda text: text.lower().split(),
    # feingold's: letters, digits, underscores and marks; no punctuation.
    "words": lambda text: _WORD.findall(fold(text)),
    # text-dedup's: cut at every sign, so that ", " gives an empty word.
    "signs": lambda text: _SIGN.split(text.lower()),
}


class Pairs(NamedTuple):
    """Places of the rows of every true pair, left < right."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]


class Verdict(NamedTuple):
    """How well a tool did.

    Attributes:
        pairs: true pairs.
        removed: rows that the tool removed.
        recall: share of the true pairs of which a side was removed; which one is the tool's
            choice, so keep-first and keep-any tools are judged alike.
        precision: share of the removed rows that have a true pair with a row that was kept. A row
            that resembles only rows removed as well counts against the tool: nothing like it is
            left.
    """

    pairs: int
    removed: int
    recall: float
    precision: float


def true_pairs(source: Path, *, words: str, ngram: int, threshold: float) -> Pairs:
    """Find the true pairs of a Parquet file, or read them where they were found before.

    Args:
        source: has the column `text`.
        words: one of WORDS.
        ngram: words in a shingle.
        threshold: Jaccard similarity, in (0, 1].
    """
    kept = source.with_name(f"{source.stem}.{words}-{ngram}-{threshold}.pairs")
    if not kept.is_file():
        texts = pl.read_parquet(source, columns=["text"])["text"].to_list()
        pairs = join([shingle_set(text, words, ngram) for text in texts], threshold)
        unfinished = kept.with_suffix(".unfinished")
        pl.DataFrame({"left": pairs.left, "right": pairs.right}).write_parquet(unfinished)
        unfinished.rename(kept)
    frame = pl.read_parquet(kept)
    return Pairs(frame["left"].to_numpy(), frame["right"].to_numpy())


def shingle_set(text: str, words: str, ngram: int) -> set[str]:
    """Return the word n-grams of a text; of a shorter one, all its words as one shingle."""
    tokens, between = WORDS[words](text), " "
    if words == "words":
        joined = "".join(tokens)
        if 3 * len(_UNSPACED.findall(joined)) > len(joined):
            tokens, ngram, between = list(joined), _UNSPACED_NGRAM, ""
    if not any(tokens):
        folded = fold(text)
        return {folded} if folded else set()
    last = max(1, len(tokens) - ngram + 1)
    return {between.join(tokens[at : at + ngram]) for at in range(last)}


def join(sets: list[set[str]], threshold: float) -> Pairs:
    """Find all pairs of sets with a Jaccard of at least `threshold`."""
    whole = _number(sets)
    sizes = np.diff(whole.indptr)
    prefixes = _prefixes(whole, threshold)
    followers = prefixes.T.tocsr()
    found = []
    for start in range(0, len(sets), BLOCK):
        shared = (prefixes[start : start + BLOCK] @ followers).tocoo()
        left, right = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        smaller = np.minimum(sizes[left], sizes[right])
        larger = np.maximum(sizes[left], sizes[right])
        # Sets of too different a size cannot reach the threshold; a margin for rounding.
        likely = (left < right) & (smaller >= threshold * larger - 1e-6)
        found.append(_verified(whole, left[likely], right[likely], threshold))
    left, right = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Pairs(left, right)


def judge(source: Path, kept: Path, pairs: Pairs) -> Verdict:
    """Judge the rows that a tool kept, by their ids."""
    ids = pl.read_parquet(source, columns=["id"])["id"]
    kept_ids = pl.read_parquet(kept, columns=["id"])["id"]
    if kept_ids.n_unique() != len(kept_ids) or not kept_ids.is_in(ids.implode()).all():
        msg = f"expected every kept id once and from {source.name}, got others in {kept}"
        raise ValueError(msg)
    is_kept = ids.is_in(kept_ids.implode()).to_numpy()
    resolved = ~is_kept[pairs.left] | ~is_kept[pairs.right]
    has_kept_partner = np.zeros(len(ids), dtype=bool)
    has_kept_partner[pairs.left[is_kept[pairs.right]]] = True
    has_kept_partner[pairs.right[is_kept[pairs.left]]] = True
    removed = int((~is_kept).sum())
    right = int((~is_kept & has_kept_partner).sum())
    return Verdict(
        pairs=len(pairs.left),
        removed=removed,
        recall=float(resolved.mean()) if len(resolved) else math.nan,
        precision=right / removed if removed else math.nan,
    )


def _number(sets: list[set[str]]) -> sparse.csr_array:
    """Make a 0/1 matrix, a row per set, a column per shingle; the rarer a shingle the lower."""
    shingles = pl.Series("shingle", list(chain.from_iterable(sets)), pl.String)
    ranked = (
        shingles.value_counts().sort("count", "shingle").select("shingle").with_row_index("number")
    )
    numbers = shingles.to_frame().join(ranked, on="shingle", how="left", maintain_order="left")
    starts = np.cumsum([0, *map(len, sets)])
    columns = numbers["number"].to_numpy().astype(np.int64)
    ones = np.ones(len(columns), dtype=np.int32)
    matrix = sparse.csr_array((ones, columns, starts), shape=(len(sets), ranked.height))
    matrix.sort_indices()
    return matrix


def _prefixes(matrix: sparse.csr_array, threshold: float) -> sparse.csr_array:
    """Keep the rarest |x| - ceil(threshold * |x|) + 1 shingles of every row."""
    sizes = np.diff(matrix.indptr)
    # The margin keeps 0.7 * 10 = 7.000...1 from cutting one shingle too many.
    lengths = np.where(sizes, sizes - np.ceil(threshold * sizes - 1e-6) + 1, 0).astype(np.int64)
    place = np.arange(len(matrix.indices)) - np.repeat(matrix.indptr[:-1], sizes)
    is_prefix = place < np.repeat(lengths, sizes)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ones, columns = matrix.data[is_prefix], matrix.indices[is_prefix]
    return sparse.csr_array((ones, columns, starts), shape=matrix.shape)


def _verified(
    whole: sparse.csr_array,
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    threshold: float,
) -> Pairs:
    """Count what the candidates share and keep those that reach the threshold."""
    sizes = np.diff(whole.indptr)
    similarity = np.empty(len(left))
    for start in range(0, len(left), BLOCK):
        part = slice(start, start + BLOCK)
        shared = whole[left[part]].multiply(whole[right[part]]).sum(axis=1)
        similarity[part] = shared / (sizes[left[part]] + sizes[right[part]] - shared)
    return Pairs(left[similarity >= threshold], right[similarity >= threshold])
