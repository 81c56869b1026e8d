"""Compiled loops of the lexical method; plain arrays in, plain arrays out, no thread state.

numba keeps the compiled code beside this file (or in the user's cache directory), so the seconds of
compilation are paid once. Every kernel releases the interpreter lock: threads run side by side.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

#: Bits of a code point's class.
WORD, UNSPACED = 1, 2

# numba turns an operation of a signed and an unsigned number into floating point: all are uint64.
_MASK = np.uint64(0xFFFFFFFF)
_P1, _P2, _P3 = np.uint64(0x9E3779B1), np.uint64(0x85EBCA77), np.uint64(0xC2B2AE3D)
_P4, _P5 = np.uint64(0x27D4EB2F), np.uint64(0x165667B1)
_1, _7, _11, _12, _13 = np.uint64(1), np.uint64(7), np.uint64(11), np.uint64(12), np.uint64(13)
_15, _16, _17, _18, _32 = np.uint64(15), np.uint64(16), np.uint64(17), np.uint64(18), np.uint64(32)
# Seed of the second hash, the high half of a shingle's, where a shingle is short.
_SECOND_SEED = np.uint64(0x5EED)
_NO_SEED = np.uint64(0)
# Rows of up to this many shingles are sorted by insertion.
_SHORT_ROW = 6


@njit(cache=True, nogil=True)
def _rotate(value: Any, bits: Any) -> Any:
    return ((value << bits) | (value >> (_32 - bits))) & _MASK


def _reader(bits: int) -> Any:
    """Return a compiled function (bytes, place) that reads `bits` at once, little end first.

    Put together from single bytes it would take many times as long. Every platform with wheels
    of numba is little-endian.
    """

    @intrinsic
    def read(typing: Any, data: Any, at: Any) -> Any:  # noqa: ARG001  numba passes it
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, values[0])
            place = builder.gep(array.data, [values[1]])
            word = builder.load(builder.bitcast(place, ir.IntType(bits).as_pointer()), align=1)
            return word if bits == 64 else builder.zext(word, ir.IntType(64))

        return types.uint64(data, at), emit

    return read


_read32, _read64 = _reader(32), _reader(64)


@njit(cache=True, nogil=True)
def xxh32(data: Any, start: Any, end: Any, seed: Any) -> Any:
    """Hash `data[start:end]` as `xxhash.xxh32_intdigest(bytes, seed)` does."""
    at, base = start, np.uint64(seed)
    if end - start >= 16:
        v1, v2 = (base + _P1 + _P2) & _MASK, (base + _P2) & _MASK
        v3, v4 = base, (base - _P1) & _MASK
        while at <= end - 16:
            v1 = _rotate((v1 + _read32(data, at) * _P2) & _MASK, _13) * _P1 & _MASK
            v2 = _rotate((v2 + _read32(data, at + 4) * _P2) & _MASK, _13) * _P1 & _MASK
            v3 = _rotate((v3 + _read32(data, at + 8) * _P2) & _MASK, _13) * _P1 & _MASK
            v4 = _rotate((v4 + _read32(data, at + 12) * _P2) & _MASK, _13) * _P1 & _MASK
            at += 16
        found = _rotate(v1, _1) + _rotate(v2, _7) + _rotate(v3, _12) + _rotate(v4, _18)
    else:
        found = base + _P5
    found = (found + np.uint64(end - start)) & _MASK
    while at <= end - 4:
        found = _rotate((found + _read32(data, at) * _P3) & _MASK, _17) * _P4 & _MASK
        at += 4
    while at < end:
        found = _rotate((found + np.uint64(data[at]) * _P5) & _MASK, _11) * _P1 & _MASK
        at += 1
    found = (found ^ (found >> _15)) * _P2 & _MASK
    found = (found ^ (found >> _13)) * _P3 & _MASK
    return found ^ (found >> _16)


@njit(cache=True, nogil=True)
def _second_hash(data: Any, start: Any, end: Any) -> Any:
    """Hash the length, the first and the last eight bytes to 32 bits.

    It only has to tell apart the shingles of equal xxh32, one pair in four thousand millions.
    """
    if end - start < 8:
        return xxh32(data, start, end, _SECOND_SEED)
    value = (_read64(data, start) ^ np.uint64(end - start)) * np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> _32) ^ _read64(data, end - 8)) * np.uint64(0xD6E8FEB86659FD93)
    return (value ^ (value >> _32)) & _MASK


@njit(cache=True, nogil=True)
def mix32(value: Any) -> Any:
    """Apply MurmurHash3's finalizer, which datasketch's affine32 puts before its permutations."""
    value = (value ^ (value >> _16)) * np.uint64(0x85EBCA6B) & _MASK
    value = (value ^ (value >> _13)) * np.uint64(0xC2B2AE35) & _MASK
    return value ^ (value >> _16)


@njit(cache=True, nogil=True)
def _code_point(data: Any, at: Any) -> Any:
    """Return the code point at a byte and how many bytes it takes; the text is valid UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), 2
    second = np.int64(data[at + 1]) & 0x3F
    if first < 0xF0:
        return ((first & 0x0F) << 12) | (second << 6) | (np.int64(data[at + 2]) & 0x3F), 3
    third, fourth = np.int64(data[at + 2]) & 0x3F, np.int64(data[at + 3]) & 0x3F
    return ((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth, 4


@njit(cache=True, nogil=True)
def _split(
    data: Any, start: Any, end: Any, classes: Any, joined: Any, starts: Any, ends: Any
) -> Any:
    """Write the words of a text into `joined`, one space apart.

    Returns:
        (words, True where the script writes no spaces); `starts` and `ends` hold their places.
    """
    n_words, at, used = 0, start, 0
    characters, unspaced = 0, 0
    while at < end:
        first = used
        while at < end:
            code = np.int64(data[at])
            if code < 0x80:
                if not classes[code]:
                    break
                # The caller has folded everything but plain capitals.
                joined[used] = code + 32 if 65 <= code <= 90 else code
                used, at, characters = used + 1, at + 1, characters + 1
            else:
                code, size = _code_point(data, at)
                if not classes[code] & WORD:
                    break
                characters += 1
                unspaced += classes[code] >> 1
                for step in range(size):
                    joined[used + step] = data[at + step]
                used, at = used + size, at + size
        if used > first:
            starts[n_words], ends[n_words] = first, used
            n_words += 1
            joined[used] = 32
            used += 1
        while at < end and data[at] < 0x80 and not classes[data[at]]:
            at += 1
        if at < end and data[at] >= 0x80:
            code, size = _code_point(data, at)
            if not classes[code] & WORD:
                at += size
    return n_words, 3 * unspaced > characters


@njit(cache=True, nogil=True)
def _drop_spaces(joined: Any, n_words: Any, starts: Any, ends: Any) -> Any:
    """Cut a text without spaces into characters: `starts` and `ends` become theirs."""
    total = ends[n_words - 1]
    used, n_characters = 0, 0
    for at in range(total):
        value = joined[at]
        if value == 32:
            continue
        joined[used] = value
        if value & 0xC0 != 0x80:
            starts[n_characters] = used
            if n_characters:
                ends[n_characters - 1] = used
            n_characters += 1
        used += 1
    ends[n_characters - 1] = used
    return n_characters


@njit(cache=True, nogil=True)
def _longest(offsets: Any) -> Any:
    longest = 0
    for row in range(offsets.size - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    return longest


@njit(cache=True, nogil=True)
def _longer(values: Any, size: Any) -> Any:
    """Return the values at the beginning of a longer array."""
    longer = np.empty(size, values.dtype)
    longer[: values.size] = values
    return longer


@njit(cache=True, nogil=True)
def _space_collapsed(data: Any, start: Any, end: Any, joined: Any) -> Any:
    """Copy a text without any word, runs of white space as one space, ends stripped."""
    used, pending = 0, False
    for at in range(start, end):
        value = data[at]
        if value == 32 or 9 <= value <= 13 or 28 <= value <= 31:
            pending = used > 0
            continue
        if pending:
            joined[used] = 32
            used += 1
            pending = False
        joined[used] = value
        used += 1
    return used


@njit(cache=True, nogil=True)
def shingle_hashes(
    data: Bytes, offsets: Places, classes: Bytes, n_words: int, n_characters: int
) -> tuple[Hashes, Places]:
    """Hash the shingles of every text; see `quality.dedup.shingles.fingerprint`."""
    longest = _longest(offsets)
    joined = np.empty(2 * longest + 2, np.uint8)
    starts, ends = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    scratch, counts = np.empty(longest + 1, np.uint64), np.empty(longest + 2, np.int64)
    n_rows = offsets.size - 1
    found = np.empty(max(16, data.size // 5), np.uint64)
    places = np.zeros(n_rows + 1, np.int64)
    used = 0
    for row in range(n_rows):
        start, end = offsets[row], offsets[row + 1]
        tokens, unspaced = _split(data, start, end, classes, joined, starts, ends)
        length = n_words
        if tokens == 0:
            starts[0], ends[0] = 0, _space_collapsed(data, start, end, joined)
            tokens = 1 if ends[0] else 0
        elif unspaced:
            tokens, length = _drop_spaces(joined, tokens, starts, ends), n_characters
        last = max(1, tokens - length + 1) if tokens else 0
        if used + last > found.size:
            found = _longer(found, 2 * (used + last))
        for first in range(last):
            final = min(first + length, tokens) - 1
            low = xxh32(joined, starts[first], ends[final], _NO_SEED)
            high = _second_hash(joined, starts[first], ends[final])
            found[used + first] = (high << _32) | low
        used += _sort_unique(found, used, used + last, scratch, counts)
        places[row + 1] = used
    return found[:used].copy(), places


@njit(cache=True, nogil=True)
def _sort_unique(values: Any, start: Any, end: Any, scratch: Any, counts: Any) -> Any:
    """Sort `values[start:end]` in place, drop repeats, return how many are left.

    The values are hashes, so their place after sorting is nearly known: in a long row every value
    first goes to a cell by its high half, which leaves only neighbours to be exchanged.
    """
    length = end - start
    if length > _SHORT_ROW:
        cells = np.uint64(length)
        counts[: length + 1] = 0
        for at in range(start, end):
            counts[np.int64(((values[at] >> _32) * cells) >> _32) + 1] += 1
        for cell in range(length):
            counts[cell + 1] += counts[cell]
        for at in range(start, end):
            place = np.int64(((values[at] >> _32) * cells) >> _32)
            scratch[counts[place]] = values[at]
            counts[place] += 1
        values[start:end] = scratch[:length]
    kept = start
    for at in range(start, end):
        value, place = values[at], kept
        while place > start and values[place - 1] > value:
            place -= 1
        if place > start and values[place - 1] == value:
            continue
        for moved in range(kept, place, -1):
            values[moved] = values[moved - 1]
        values[place] = value
        kept += 1
    return kept - start


@njit(cache=True, nogil=True)
def word_hashes(
    data: Bytes, offsets: Places, classes: Bytes
) -> tuple[npt.NDArray[np.uint32], Places]:
    """Hash the words of every text in order, or its characters where the script has no spaces."""
    longest = _longest(offsets)
    joined = np.empty(2 * longest + 2, np.uint8)
    starts, ends = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    n_rows = offsets.size - 1
    found = np.empty(max(16, data.size // 4), np.uint32)
    places = np.zeros(n_rows + 1, np.int64)
    used = 0
    for row in range(n_rows):
        tokens, unspaced = _split(
            data, offsets[row], offsets[row + 1], classes, joined, starts, ends
        )
        if tokens and unspaced:
            tokens = _drop_spaces(joined, tokens, starts, ends)
        if used + tokens > found.size:
            found = _longer(found, 2 * (used + tokens))
        for token in range(tokens):
            found[used + token] = xxh32(joined, starts[token], ends[token], _NO_SEED)
        used += tokens
        places[row + 1] = used
    return found[:used].copy(), places


@njit(cache=True, nogil=True)
def _permute(hashes: Any, start: Any, end: Any, factors: Any, terms: Any, minima: Any) -> None:
    """Take the minimum of every permutation over one row's shingles into `minima`."""
    minima[:] = np.uint32(_MASK)
    for at in range(start, end):
        value = np.uint32(mix32(hashes[at] & _MASK))
        for column in range(minima.size):
            permuted = np.uint32(value * factors[column] + terms[column])
            minima[column] = min(minima[column], permuted)


@njit(cache=True, nogil=True)
def minhash_rows(
    hashes: Hashes, offsets: Places, rows: Places, factors: Any, terms: Any
) -> npt.NDArray[np.uint32]:
    """Return the signatures of some rows: uint32, shape (rows, permutations)."""
    found = np.empty((rows.size, factors.size), np.uint32)
    for at in range(rows.size):
        row = rows[at]
        _permute(hashes, offsets[row], offsets[row + 1], factors, terms, found[at])
    return found


@njit(cache=True, nogil=True)
def band_keys(
    hashes: Hashes, offsets: Places, factors: Any, terms: Any, n_bands: int, salts: Hashes
) -> Hashes:
    """Hash every band of every signature: uint64, shape (bands, rows); 0 for an empty row.

    Args:
        hashes: sorted shingle hashes, row after row.
        offsets: int64, shape (rows + 1,).
        factors: uint32, shape (bands * rows of a band,); multipliers of the permutations.
        terms: uint32, same shape; their offsets.
        n_bands: how many bands the permutations are cut into.
        salts: uint64, shape (rows,); rows of different salt share no key.
    """
    n_rows, length = offsets.size - 1, factors.size // n_bands
    keys = np.zeros((n_bands, n_rows), np.uint64)
    minima = np.empty(factors.size, np.uint32)
    for row in range(n_rows):
        if offsets[row] == offsets[row + 1]:
            continue
        _permute(hashes, offsets[row], offsets[row + 1], factors, terms, minima)
        for band in range(n_bands):
            key = salts[row]
            for column in range(band * length, (band + 1) * length):
                key = (key ^ np.uint64(minima[column])) * np.uint64(0x9FB21C651E98DF25)
                key ^= key >> _32
            keys[band, row] = key | _1
    return keys


@njit(cache=True, nogil=True)
def lcs_lengths(
    tokens: npt.NDArray[np.uint32], offsets: Places, left: Places, right: Places
) -> Places:
    """Return the length of the longest common subsequence of words, for every pair."""
    found = np.zeros(left.size, np.int64)
    width = _longest(offsets) + 1
    line = np.zeros(width, np.int64)
    for at in range(left.size):
        first, first_end = offsets[left[at]], offsets[left[at] + 1]
        second, second_end = offsets[right[at]], offsets[right[at] + 1]
        shared = 0
        while first < first_end and second < second_end and tokens[first] == tokens[second]:
            first, second, shared = first + 1, second + 1, shared + 1
        while (
            first < first_end
            and second < second_end
            and tokens[first_end - 1] == tokens[second_end - 1]
        ):
            first_end, second_end, shared = first_end - 1, second_end - 1, shared + 1
        size = second_end - second
        line[: size + 1] = 0
        for one in range(first, first_end):
            diagonal = 0
            for column in range(size):
                above = line[column + 1]
                if tokens[one] == tokens[second + column]:
                    line[column + 1] = diagonal + 1
                elif line[column] > above:
                    line[column + 1] = line[column]
                diagonal = above
        found[at] = shared + line[size]
    return found
