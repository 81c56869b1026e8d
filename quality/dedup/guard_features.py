"""Texts to the features that guards compare: hashes and counts, no text.

Features are the same on every machine, so a published version can carry those of its rows, and a
later batch be checked against them.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.guard_patterns import (
    drop_placeholders,
    find_quotes,
    read_code,
    read_languages,
)
from quality.dedup.guard_tokens import (
    Hashes,
    Positions,
    Tokens,
    combine_hashes,
    cut_tokens,
    hash_sequences,
)
from quality.dedup.guard_words import (
    count_negations,
    find_language_rows,
    find_lexicon_words,
    find_prefixed_words,
    hash_numbers,
    hash_units,
)
from schemas.frames import FrameSchema

#: What guards compare in one text.
GUARD_FEATURES: FrameSchema = {
    "folded": pl.UInt64,  # hash of the folded text; rows of equal ones are never vetoed
    "key": pl.UInt64,  # hash of what must be equal to merge: the next five columns
    "numbers": pl.UInt32,  # hash of the values in order, number words as digits; 0 = none
    "negations": pl.UInt16,  # count of negating words
    "languages": pl.UInt32,  # hash of the named languages in order, repeats left out; 0 = none
    "code": pl.UInt32,  # hash of identifiers, paths, addresses and operators; 0 = none
    "units": pl.UInt32,  # hash of the named units in order, repeats left out; 0 = none
    "tokens": pl.List(pl.UInt32),  # hashes of words and marks in order
    "prefixed": pl.List(pl.UInt64),  # words with a negating prefix: word << 32 | stem
    "quotes": pl.List(pl.UInt32),  # tokens of each quoted string, then a 0
}

ShortHashes: TypeAlias = npt.NDArray[np.uint32]

# Bytes of text that are read at once; the memory this takes is some twenty times as much.
_BATCH_BYTES = 2**20
_HALF = np.uint64(32)
_MOST_NEGATIONS = 2**16 - 1


def guard_features(texts: pl.Series) -> pl.DataFrame:
    """Read from `texts` all that guards compare.

    Args:
        texts: String series; null counts as "".

    Returns:
        A frame of GUARD_FEATURES, one line per text in the same order, without nulls.

    Example:
        >>> features = guard_features(pl.Series(["Name three colours", "Name 3 colours"]))
        >>> features["numbers"].n_unique(), features["folded"].n_unique()
        (1, 2)
    """
    return _in_batches(texts, _features, pl.DataFrame(schema=dict(GUARD_FEATURES)))


def guard_keys(texts: pl.Series) -> pl.Series:
    """Read the column `key` of `guard_features` alone, in two thirds of the time.

    Two texts of unequal keys are vetoed, unless they are equal after folding.

    Args:
        texts: String series; null counts as "".

    Returns:
        UInt64 series, one hash per text.
    """
    schema = {"key": GUARD_FEATURES["key"]}
    return _in_batches(texts, _keys, pl.DataFrame(schema=schema))["key"]


def _in_batches(
    texts: pl.Series, read: Callable[[pl.Series, Tokens], pl.DataFrame], empty: pl.DataFrame
) -> pl.DataFrame:
    """Read `texts` a megabyte at a time, so that the memory taken does not grow with them."""
    ends = texts.str.len_bytes().fill_null(0).cast(pl.UInt64).cum_sum()
    frames, start = [empty], 0
    for length in (ends // _BATCH_BYTES).rle().struct.field("len"):
        batch = drop_placeholders(texts.slice(start, length))
        frames.append(read(batch, cut_tokens(batch.to_list())))
        start += length
    return pl.concat(frames, rechunk=True)


def _keys(texts: pl.Series, tokens: Tokens) -> pl.DataFrame:
    return pl.DataFrame({"key": combine_hashes(list(_parts_of_key(texts, tokens).values()))})


def _features(texts: pl.Series, tokens: Tokens) -> pl.DataFrame:
    parts = _parts_of_key(texts, tokens)
    prefixed = find_prefixed_words(tokens)
    pairs = (_half(prefixed.words).astype(np.uint64) << _HALF) | _half(prefixed.stems)
    quoted, quote_rows = _quoted_tokens(texts)
    columns = {
        "folded": _hash_folded(tokens),
        "key": combine_hashes(list(parts.values())),
        **{name: _half(hashes) for name, hashes in parts.items()},
        "negations": np.minimum(parts["negations"], _MOST_NEGATIONS),
        "tokens": _lists(_half(tokens.hashes), tokens.rows, tokens.height),
        "prefixed": _lists(pairs, prefixed.rows, tokens.height),
        "quotes": _lists(quoted, quote_rows, tokens.height),
    }
    return pl.DataFrame(columns).select(
        pl.col(name).cast(dtype) for name, dtype in GUARD_FEATURES.items()
    )


def _parts_of_key(texts: pl.Series, tokens: Tokens) -> dict[str, Hashes]:
    """Return the features that must be equal in two texts, as 64 bits per text."""
    found = find_lexicon_words(tokens)
    return {
        "numbers": hash_numbers(tokens, found),
        "negations": count_negations(tokens, found).astype(np.uint64),
        "languages": read_languages(texts, find_language_rows(tokens, found)),
        "code": read_code(texts),
        "units": hash_units(tokens, found),
    }


def _hash_folded(tokens: Tokens) -> Hashes:
    """Hash the folded texts: their tokens, and which of these follow a space."""
    is_spaced = np.ones(len(tokens.starts), dtype=np.bool_)
    is_spaced[1:] = tokens.starts[1:] > tokens.ends[:-1]
    return hash_sequences(tokens.hashes ^ is_spaced, tokens.rows, tokens.height)


def _quoted_tokens(texts: pl.Series) -> tuple[ShortHashes, Positions]:
    """Return the tokens of each quoted string and a 0 behind it, and the numbers of the texts."""
    quotes = find_quotes(texts)
    tokens = cut_tokens(quotes["quote"].to_list())
    ends = np.flatnonzero(np.diff(tokens.rows, append=-1)) + 1
    values = np.insert(_half(tokens.hashes), ends, 0)
    rows = np.insert(tokens.rows, ends, tokens.rows[ends - 1])
    return values, quotes["row"].to_numpy()[rows]


def _half(hashes: Hashes) -> ShortHashes:
    """Keep the upper 32 bits of `hashes`, as 1 at least where there were any."""
    halves = (hashes >> _HALF).astype(np.uint32)
    halves[(halves == 0) & (hashes > 0)] = 1
    return halves


def _lists(values: Hashes | ShortHashes, rows: Positions, height: int) -> pl.Series:
    """Gather `values` into one list per row; `rows` ascend and may leave rows out."""
    lists = (
        pl.DataFrame({"row": pl.Series(rows, dtype=pl.Int64).set_sorted(), "value": values})
        .group_by("row", maintain_order=True)
        .agg("value")
    )
    # A row without values takes the empty list behind the others.
    places = np.full(height, lists.height)
    places[lists["row"].to_numpy()] = np.arange(lists.height)
    empty = pl.Series([[]], dtype=lists["value"].dtype)
    return lists["value"].append(empty).gather(places)
