"""Exact duplicates: equal text in every column after folding case and white space."""

import numpy as np
import polars as pl
import xxhash

from quality.dedup.kernels import Hashes, Places
from quality.dedup.shingles import fold
from quality.dedup.survivors import Dropped
from schemas.errors import RunError

COLUMNS = ("instruction", "input", "output")
EVIDENCE = "equal after folding case and white space"
# Between the columns, so that no text can move from one to the next.
_BETWEEN = "\x1f"
_SPACE = r"[\t-\r\x1c-\x20]+"


def exact_keys(rows: pl.DataFrame, columns: tuple[str, ...] = COLUMNS) -> Hashes:
    """Hash every row's folded text.

    Args:
        rows: frame with String `columns`; null counts as "".
        columns: the columns that must all be equal.

    Returns:
        uint64, shape (n, 2): the 128 bits of XXH3; zeros for a row without any text, which is
        equal to nothing. Texts of equal key are equal but for a chance of 2**-128 a pair.

    Raises:
        RunError: if a column is missing.
    """
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        msg = f"expected columns {columns!r} to deduplicate by, got {rows.columns!r}"
        raise RunError(msg)
    folded = rows.select(fold_series(rows[column]).alias(column) for column in columns)
    texts = folded.select(pl.concat_str(columns, separator=_BETWEEN)).to_series()
    nothing = _BETWEEN * (len(columns) - 1)
    digest = xxhash.xxh3_128_digest
    packed = b"".join(bytes(16) if text == nothing else digest(text.encode()) for text in texts)
    return np.frombuffer(packed, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def exact_duplicates(keys: Hashes, rank: Places) -> Dropped:
    """Drop all rows but the best of every group of equal keys; equality is transitive.

    Args:
        keys: uint64, shape (n, 2), from `exact_keys`.
        rank: int64, shape (n,): place in the order of survival.

    Returns:
        The rows that go, with the best row of their group, similarity 1.0.
    """
    filled = np.flatnonzero(keys.any(axis=1))
    order = filled[np.lexsort((rank[filled], keys[filled, 1], keys[filled, 0]))]
    ordered = keys[order]
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    best = order[is_first][np.cumsum(is_first) - 1] if len(order) else order
    rows, matched = order[~is_first], best[~is_first]
    by_row = np.argsort(rows)
    return Dropped(rows[by_row], matched[by_row], np.ones(len(rows)))


def fold_series(texts: pl.Series) -> pl.Series:
    """Fold many texts as `quality.dedup.shingles.fold` folds one; null becomes ""."""
    texts = texts.fill_null("")
    is_foreign = texts.str.len_bytes() != texts.str.len_chars()
    # Lower case is all that casefolding is to ASCII, and Polars does it many times faster.
    plain = texts.str.to_lowercase().str.replace_all(_SPACE, " ").str.strip_chars(" ")
    if not is_foreign.any():
        return plain
    foreign = texts.filter(is_foreign).map_elements(fold, return_dtype=pl.String)
    return plain.scatter(is_foreign.arg_true(), foreign)
