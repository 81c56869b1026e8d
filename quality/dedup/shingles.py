"""Text to shingles: the sets that lexical similarity is measured on.

A row is cut into word 3-grams, or into character 5-grams where its script writes no spaces.
A text shorter than one shingle is its own single shingle, so that short rows are compared as
wholes and never share an empty signature (bigcode-dataset#35, text-dedup#77).
"""

import re
import sys
import unicodedata
from functools import cache
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup import kernels
from schemas.errors import RunError

WORD_SHINGLE = 3
CHARACTER_SHINGLE = 5

# Thai, Lao, Tibetan, Burmese, Khmer, kana and Han. Hangul is spaced.
_UNSPACED = (
    *((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF)),
    *((0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F)),
    (0x20000, 0x3FFFF),
)
# Planes 4 to 13 hold no character, the others none that could be part of a word.
_ASSIGNED = (range(0x33000), range(0xE0100, 0xE0200))
_SPACE = re.compile(r"\s+")


class Fingerprints(NamedTuple):
    """The shingles of many rows as hashes, each row's sorted and without repeats.

    The low 32 bits of a hash are `xxhash.xxh32` of the shingle, which is what MinHash permutes;
    the high 32 bits, a second hash of its length, head and tail, make a comparison of two rows
    exact for every practical purpose: two different shingles are taken for one with a chance of
    2**-64, and of 2**-32 where they differ in their middle alone.

    Attributes:
        hashes: uint64, shape (m,).
        offsets: int64, shape (n + 1,): where each row starts; a row without text is empty.
    """

    hashes: kernels.Hashes
    offsets: kernels.Places

    def __len__(self) -> int:
        """Number of rows."""
        return max(0, self.offsets.size - 1)


class Words(NamedTuple):
    """The words of many rows in order, as `xxhash.xxh32` of their folded UTF-8.

    Attributes:
        hashes: uint32, shape (m,); of characters where a script writes no spaces.
        offsets: int64, shape (n + 1,).
    """

    hashes: npt.NDArray[np.uint32]
    offsets: kernels.Places


def fingerprint(
    texts: pl.Series, *, shingle: int = WORD_SHINGLE, characters: int = CHARACTER_SHINGLE
) -> Fingerprints:
    """Cut texts into shingles and hash them.

    Args:
        texts: String series; null counts as "".
        shingle: words in a shingle.
        characters: characters in a shingle of a text whose script writes no spaces, which is one
            where more than a third of the characters in words are Han, kana, Thai and the like.

    Returns:
        Word n-grams joined by a space; character n-grams of the joined words where the script
        writes no spaces; one shingle of all words where there are fewer; the folded text itself
        where it has no word at all; nothing where the text is empty or white space.

    Source:
        Broder 1997, "On the resemblance and containment of documents". Differs: the script chooses
        the kind of shingle, and short texts are compared as wholes.
    """
    data, offsets, classes = _as_bytes(texts)
    return Fingerprints(*kernels.shingle_hashes(data, offsets, classes, shingle, characters))


def hash_words(texts: pl.Series) -> Words:
    """Hash the words of texts, in order.

    Args:
        texts: String series; null counts as "".

    Returns:
        The words' hashes; of single characters where the script writes no spaces.
    """
    return Words(*kernels.word_hashes(*_as_bytes(texts)))


def fold(text: str) -> str:
    """Return `text` in NFC, casefolded, every run of white space one space, ends stripped.

    Example:
        >>> fold("  Straße  und  MORE ")
        'strasse und more'
    """
    # Casefolding can undo the composition, so compose last.
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip().casefold())


def words(text: str) -> list[str]:
    """Return the Unicode words of `text`, folded, in order; punctuation is left out."""
    return word_pattern().findall(fold(text))


@cache
def word_pattern() -> re.Pattern[str]:
    """Return the pattern of a word: letters, digits, underscores and combining marks.

    Python's own word class leaves out marks, which cuts Hindi and Thai words at every vowel sign
    and makes two words that differ in one look alike.
    """
    marks = (code for code in chain(*_ASSIGNED) if unicodedata.category(chr(code))[0] == "M")
    ranges = []
    for _, run in groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in run]
        ranges.append(f"{chr(codes[0])}-{chr(codes[-1])}")
    return re.compile(rf"[\w{''.join(ranges)}]+")


def join_columns(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """Return one text per row: its `columns` joined by a line break, empty and null ones left out.

    Args:
        rows: frame with String `columns`.
        columns: names, in the order to join.

    Returns:
        String series, `rows.height` texts, never null.

    Raises:
        RunError: if a column is missing.
    """
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        msg = f"expected columns {columns!r} to deduplicate by, got {rows.columns!r}"
        raise RunError(msg)
    filled = [pl.when(pl.col(column) != "").then(pl.col(column)) for column in columns]
    return rows.select(
        text=pl.concat_str(filled, separator="\n", ignore_nulls=True).fill_null("")
    ).to_series()


def row_ids(rows: pl.DataFrame) -> list[str]:
    """Return the ids of `rows`, which must be unique: a pair names its rows by id alone.

    Raises:
        RunError: if there is no `id` column, or an id is null or occurs twice.
    """
    if "id" not in rows.columns:
        msg = f"expected a column 'id' to deduplicate, got {rows.columns!r}"
        raise RunError(msg)
    ids = rows["id"]
    if ids.null_count() or ids.n_unique() != rows.height:
        repeated = ids.filter(ids.is_duplicated()).head(1).to_list()
        msg = f"expected unique ids to deduplicate, got {repeated!r} more than once or null"
        raise RunError(msg)
    return [str(value) for value in ids.to_list()]


def _as_bytes(texts: pl.Series) -> tuple[kernels.Bytes, kernels.Places, kernels.Bytes]:
    """Return the UTF-8 of all texts, where each starts, and the table of character classes.

    Kernels lower plain capitals themselves; all other folding happens here.
    """
    texts = texts.fill_null("").rechunk()
    content, offsets = _buffers(texts)
    foreign = np.searchsorted(offsets, np.flatnonzero(content >= 0x80), side="right") - 1
    foreign = np.unique(foreign)
    if not foreign.size:
        return content, offsets, _classes()[:128]
    folded = texts.gather(foreign).map_elements(fold, return_dtype=pl.String)
    return *_buffers(texts.scatter(foreign, folded)), _classes()


def _buffers(texts: pl.Series) -> tuple[kernels.Bytes, kernels.Places]:
    """Return the UTF-8 of all texts and where each starts."""
    array = texts.to_arrow()
    _, starts, data = array.buffers()
    offsets = np.frombuffer(starts, dtype=np.int64)[array.offset : array.offset + len(texts) + 1]
    content = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, np.uint8)
    return content[: offsets[-1]] if offsets.size else content, offsets


@cache
def _classes() -> kernels.Bytes:
    """Class of every code point: bits WORD and UNSPACED."""
    classes = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
    is_mark = word_pattern().fullmatch
    for code in chain(*_ASSIGNED):
        letter = chr(code)
        if letter.isalnum() or is_mark(letter):
            classes[code] = kernels.WORD
    for first, last in _UNSPACED:
        classes[first : last + 1] |= kernels.UNSPACED
    return classes
