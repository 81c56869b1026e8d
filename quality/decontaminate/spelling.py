"""Texts as numbered words, and where they hold runs of words that are looked for.

A word's number is its place among the sorted words of the benchmarks, so equal numbers are equal
words. Hashes only say where to look: every run found is compared number by number.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

# Scripts written without spaces; each character counts as one word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_UNSPACED}]|[\p{{L}}\p{{N}}\p{{M}}_&&[^{_UNSPACED}]]+"
# Odd, so that its powers have inverses modulo 2**64.
_BASE = 0x9E3779B97F4A7C15
# Upper bits of a hash that say at once that it is none of those looked for.
_SLOT_BITS = 20


class Spelled(NamedTuple):
    """The words of many texts, one text after another.

    Attributes:
        words: int32: number of each word; -1 for one that no benchmark has.
        offsets: int64, shape (n + 1,): where each text starts.
    """

    words: Numbers
    offsets: Places


class Runs(NamedTuple):
    """Where texts hold runs of words.

    Attributes:
        texts: int64: number of the text of each find, ascending.
        found: int64: which of the runs it is.
    """

    texts: Places
    found: Places


def cut_words(texts: pl.Series) -> pl.Series:
    """Cut texts into folded words: runs of letters, digits, marks and underscores.

    Args:
        texts: String series; null counts as "".

    Returns:
        List(String), one list per text; a script without spaces gives single characters.

    Example:
        >>> cut_words(pl.Series(["Janet’s 3 ducks", "你好"])).to_list()
        [['janet', 's', '3', 'ducks'], ['你', '好']]
    """
    folded = texts.fill_null("").str.normalize("NFKC").str.to_lowercase()
    return folded.str.replace_all("ß", "ss", literal=True).str.extract_all(_WORD)


def list_words(texts: pl.Series) -> pl.Series:
    """Return the different words of texts, sorted: what `spell` numbers them by."""
    return cut_words(texts).explode(empty_as_null=False).unique().sort()


def spell(texts: pl.Series, words: pl.Series) -> Spelled:
    """Number the words of texts.

    Args:
        texts: String series; null counts as "".
        words: String, sorted, different.
    """
    lists = cut_words(texts)
    offsets = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum(lists.list.len().to_numpy(), out=offsets[1:])
    numbers = pl.DataFrame({"word": words, "number": np.arange(len(words), dtype=np.int32)})
    spelled = lists.explode(empty_as_null=False).alias("word").to_frame()
    found = spelled.join(numbers, on="word", how="left", maintain_order="left")["number"]
    return Spelled(found.fill_null(-1).to_numpy(), offsets)


def find_runs(spelled: Spelled, runs: Numbers) -> Runs:
    """Find where texts hold given runs of words.

    Args:
        spelled: the texts.
        runs: int32, shape (k, size): different runs, none with an unknown word.

    Returns:
        Every occurrence, in reading order.
    """
    starts = found = np.empty(0, dtype=np.int64)
    if runs.size:
        size = runs.shape[1]
        ends = np.arange(0, runs.size + 1, size)
        keys = _hash_runs(Spelled(runs.ravel(), ends), size)[::size]
        order = np.argsort(keys, kind="stable")
        hashes = _hash_runs(spelled, size)
        starts = np.flatnonzero(_may_be_among(hashes, keys))
        nearest = np.searchsorted(keys[order], hashes[starts])
        found = order[np.minimum(nearest, len(keys) - 1)]
        same = np.ones(len(starts), dtype=np.bool_)
        for step in range(size):
            same &= spelled.words[starts + step] == runs[found, step]
        starts, found = starts[same], found[same]
    return Runs(np.searchsorted(spelled.offsets, starts, side="right") - 1, found)


def _hash_runs(spelled: Spelled, size: int) -> Hashes:
    """Hash the run of `size` words at every word; 0 where it leaves its text or has an unknown one.

    Source:
        Karp & Rabin 1987, over prefix sums: the powers of an odd base have inverses modulo 2**64,
        so a run is the difference of two sums, whatever its length.
    """
    words, offsets = spelled
    hashes = np.zeros(len(words), dtype=np.uint64)
    count = len(words) - size + 1
    if count <= 0:
        return hashes
    sums = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(_mix(words.astype(np.uint64)) * _powers(_BASE, len(words)), out=sums[1:])
    runs = (sums[size:] - sums[:count]) * _powers(pow(_BASE, -1, 2**64), count)
    unknown = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(words < 0, out=unknown[1:])
    ends = np.repeat(offsets[1:], np.diff(offsets))[:count]
    is_run = (unknown[size:] == unknown[:count]) & (np.arange(count) + size <= ends)
    hashes[:count] = np.where(is_run, _mix(runs) | np.uint64(1), np.uint64(0))
    return hashes


def _may_be_among(hashes: Hashes, keys: Hashes) -> Flags:
    """Say which hashes share their upper bits with a key; most that do not need no search."""
    shift = np.uint64(64 - _SLOT_BITS)
    slots = np.zeros(2**_SLOT_BITS, dtype=np.bool_)
    slots[keys >> shift] = True
    flags: Flags = slots[hashes >> shift] & (hashes != 0)
    return flags


def _powers(base: int, count: int) -> Hashes:
    """Return base**0, base**1 ... modulo 2**64."""
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _mix(values: Hashes) -> Hashes:
    """Spread every bit over all 64 (the last step of SplitMix64)."""
    values = values + np.uint64(_BASE)
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
