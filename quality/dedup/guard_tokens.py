"""Texts to hashed tokens, many texts at once: words and single marks as stable 64-bit numbers.

A version keeps these numbers and a later batch is compared with them, so they must be the same on
every machine and under every version of NumPy and Polars: plain arithmetic on UTF-8 bytes.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from quality.dedup.shingles import fold

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

# What a character, and so each of its bytes, is. Words are made of the kinds from COMBINING on;
# \w in Python is the kinds from OTHER_WORD on. A mark's further bytes are TAIL.
SPACE, MARK, TAIL, COMBINING, OTHER_WORD, DIGIT, LETTER = range(7)

# Stands between texts: white space, so that no token crosses it.
_BREAK = b"\n"
_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """The folded texts of a batch as one array of bytes, and the tokens in it.

    Attributes:
        data: UTF-8: a line break, then every folded text and a line break after it.
        kinds: what each byte is part of (LETTER, DIGIT ...), uint8.
        offsets: where each text starts in `data`, and where one more would.
        starts: where each token starts: a run of word characters, or one mark.
        ends: where it ends.
        rows: number of the text it is in, ascending.
        hashes: its hash.
    """

    data: bytes
    kinds: Bytes
    offsets: Positions
    starts: Positions
    ends: Positions
    rows: Positions
    hashes: Hashes

    @property
    def bytes(self) -> Bytes:
        """The data as uint8."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @property
    def height(self) -> int:
        """How many texts there are."""
        return len(self.offsets) - 1

    def rows_at(self, positions: Positions) -> Positions:
        """Return the numbers of the texts that bytes are in."""
        return np.searchsorted(self.offsets, positions, side="right") - 1


def cut_tokens(texts: Sequence[str]) -> Tokens:
    """Fold `texts` and cut them into words (as `words` does) and single marks.

    Args:
        texts: any texts.

    Returns:
        The tokens; white space is in none of them.
    """
    # Of ASCII, fold() only lowers the letters and joins white space, which is in no token.
    folded = [text.lower() if text.isascii() else fold(text) for text in texts]
    encoded = [text.encode() for text in folded]
    data = _BREAK.join([b"", *encoded, b""]) if encoded else _BREAK
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64) + np.arange(1, len(texts) + 2)
    kinds = _kinds(data)
    filled, in_word = kinds != SPACE, kinds >= COMBINING
    goes_on = kinds == TAIL
    goes_on[1:] |= in_word[1:] & in_word[:-1]
    starts = np.flatnonzero(filled & ~goes_on)
    ends = np.flatnonzero(filled[:-1] & ~goes_on[1:]) + 1
    counts = np.diff(np.searchsorted(starts, offsets))
    rows = np.repeat(np.arange(len(texts)), counts)
    return Tokens(data, kinds, offsets, starts, ends, rows, hash_spans(data, starts, ends))


def hash_spans(data: bytes, starts: Positions, ends: Positions) -> Hashes:
    """Hash the bytes in each of the spans [start, end), eight at a time."""
    padded = data + bytes(_BLOCK)
    blocks = np.ndarray((len(data) + 1,), dtype="<u8", buffer=padded, strides=(1,))
    sizes = ends - starts
    hashes = _mix(sizes.astype(np.uint64)) ^ (blocks[starts] & _MASKS[np.minimum(sizes, _BLOCK)])
    # The longer spans are few: their blocks are hashed as a sequence.
    longer = np.flatnonzero(sizes > _BLOCK)
    counts = (sizes[longer] + _BLOCK - 1) // _BLOCK
    rows = np.repeat(np.arange(len(longer)), counts)
    skipped = _BLOCK * places_in(np.zeros_like(counts), counts)
    left = np.minimum(sizes[longer][rows] - skipped, _BLOCK)
    values = _mix(blocks[starts[longer][rows] + skipped] & _MASKS[left])
    hashes[longer] ^= hash_sequences(values, rows, len(longer))
    return _mix(hashes)


def hash_strings(strings: Sequence[str]) -> Hashes:
    """Hash whole strings as they are: a string equal to a token gives the token's hash."""
    encoded = [string.encode() for string in strings]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return hash_spans(b"".join(encoded), ends[:-1], ends[1:])


def places_in(starts: Positions, ends: Positions) -> Positions:
    """List the numbers in each of the spans [start, end)."""
    lengths = ends - starts
    offsets = np.cumsum(lengths) - lengths
    places: Positions = np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths)
    return places


def hash_sequences(values: Hashes, rows: Positions, height: int) -> Hashes:
    """Hash the values of each row, in order.

    Args:
        values: one hash per event.
        rows: number of the row it belongs to, ascending.
        height: number of rows.

    Returns:
        `height` hashes; 0 for a row without a value.

    Source:
        Lemire & Kaser 2014, Strongly universal string hashing is fast, multilinear family.
        Differs: all 64 bits of the sum are kept and mixed.
    """
    hashes = np.zeros(height, dtype=np.uint64)
    if not len(values):
        return hashes
    lengths = np.bincount(rows, minlength=height)
    offsets = np.cumsum(lengths) - lengths
    products = (
        values * _multipliers(int(lengths.max()).bit_length())[np.arange(len(rows)) - offsets[rows]]
    )
    filled = lengths > 0
    hashes[filled] = _mix(np.add.reduceat(products, offsets[filled]))
    return hashes


def combine_hashes(parts: Sequence[Hashes]) -> Hashes:
    """Hash the hashes that several arrays have at one place, in the order of the arrays."""
    combined = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        combined = _mix(combined ^ part)
    return combined


def _mix(values: Hashes) -> Hashes:
    """Spread every bit over all 64, one to one (the last step of SplitMix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


@lru_cache(maxsize=32)
def _multipliers(bits: int) -> Hashes:
    """Return 2**bits odd pseudo-random numbers; more bits only add numbers."""
    return _mix(np.arange(2**bits, dtype=np.uint64) << np.uint64(32)) | np.uint64(1)


def _kinds(data: bytes) -> Bytes:
    """Return the kind of every byte of UTF-8 text."""
    array = np.frombuffer(data, dtype=np.uint8)
    kinds: Bytes = _ASCII_KINDS[array]
    wide = np.flatnonzero(array >= 128)
    if not len(wide):
        return kinds
    codes = np.frombuffer(array[wide].tobytes().decode().encode("utf-32-le"), dtype="<u4")
    occurs = np.zeros(sys.maxunicode + 1, dtype=np.bool_)
    occurs[codes] = True
    table = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
    table[occurs] = [_kind(chr(code)) for code in np.flatnonzero(occurs)]
    is_first = array[wide] >= 0xC0
    kinds[wide] = table[codes][np.cumsum(is_first) - 1]
    kinds[wide[~is_first & (kinds[wide] == MARK)]] = TAIL
    return kinds


def _kind(character: str) -> int:
    if character.isdecimal():
        return DIGIT
    if character.isalnum():
        return LETTER
    if character == "_":
        return OTHER_WORD
    if character.isspace():
        return SPACE
    return COMBINING if unicodedata.category(character)[0] == "M" else MARK


_MASKS = np.array([2 ** (8 * size) - 1 for size in range(_BLOCK + 1)], dtype=np.uint64)
_ASCII_KINDS = np.array([_kind(chr(code)) if code < 128 else 0 for code in range(256)], np.uint8)
