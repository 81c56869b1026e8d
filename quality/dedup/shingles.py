"""Text to shingles: the sets that lexical similarity is measured on.

A row is cut into word 3-grams, or into character 5-grams where its script writes no spaces.
A text shorter than one shingle is its own single shingle, so that short rows are compared as
wholes and never share an empty signature (bigcode-dataset#35, text-dedup#77).
"""

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby

import polars as pl
from rapidfuzz.distance import LCSseq

from schemas.errors import RunError

WORD_SHINGLE = 3
CHARACTER_SHINGLE = 5
#: Share of the word characters from which a text counts as written without spaces.
UNSPACED_SHARE = 1 / 3

# Thai, Lao, Tibetan, Burmese, Khmer, kana and Han. Hangul is spaced.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
# What stays of a text without a single word character: symbols and emoji are compared literally.
_SPACE = re.compile(r"\s+")


@cache
def _word_pattern() -> re.Pattern[str]:
    """Return the pattern of a word: letters, digits, underscores and combining marks.

    Python's own word class leaves out marks, which cuts Hindi and Thai words at every vowel sign
    and makes two words that differ in one look alike.
    """
    marks = (
        code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M"
    )
    ranges = []
    for _, run in groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in run]
        ranges.append(f"{chr(codes[0])}-{chr(codes[-1])}")
    return re.compile(rf"[\w{''.join(ranges)}]+")


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
    return _word_pattern().findall(fold(text))


def is_unspaced(tokens: list[str]) -> bool:
    """Say whether words come from a script without spaces (Chinese, Japanese, Thai ...)."""
    joined = "".join(tokens)
    return len(_UNSPACED.findall(joined)) > UNSPACED_SHARE * len(joined)


def shingle_set(text: str) -> frozenset[str]:
    """Return the shingles of `text`; empty only where the text is empty or white space.

    Args:
        text: any text.

    Returns:
        Word 3-grams joined by a space; character 5-grams of the joined words where the script
        writes no spaces; one shingle of all words where there are fewer; the folded text itself
        where it has no word at all.

    Example:
        >>> sorted(shingle_set("One two, three four!"))
        ['one two three', 'two three four']
        >>> shingle_set("Hi there") == {"hi there"}
        True
    """
    tokens = words(text)
    if not tokens:
        folded = fold(text)
        return frozenset((folded,)) if folded else frozenset()
    if is_unspaced(tokens):
        joined = "".join(tokens)
        last = max(1, len(joined) - CHARACTER_SHINGLE + 1)
        return frozenset(joined[at : at + CHARACTER_SHINGLE] for at in range(last))
    last = max(1, len(tokens) - WORD_SHINGLE + 1)
    return frozenset(" ".join(tokens[at : at + WORD_SHINGLE]) for at in range(last))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Return |left ∩ right| / |left ∪ right|; 0.0 where either is empty.

    Two empty texts share nothing: calling them equal would lump all empty rows together.
    """
    if not left or not right:
        return 0.0
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def word_agreement(left: str, right: str) -> float:
    """Return 2·LCS / (m + n) over the words of two short texts, in 0..1; equal texts give 1.0.

    Three-word shingles are too coarse for an instruction of six words: one replaced word would
    cost half of them. The longest common subsequence bears a replaced word and still sees order
    ("Celsius to Fahrenheit" against "Fahrenheit to Celsius" gives 0.67).

    Example:
        >>> word_agreement("Sum these numbers", "Sum the numbers")
        0.6666666666666666
    """
    first, second = words(left), words(right)
    if is_unspaced(first) or is_unspaced(second):
        first, second = list("".join(first)), list("".join(second))
    if not first or not second:
        return float(fold(left) == fold(right))
    return 2 * LCSseq.similarity(first, second) / (len(first) + len(second))


def join_columns(rows: pl.DataFrame, columns: tuple[str, ...]) -> list[str]:
    """Return one text per row: its `columns` joined by a line break, empty and null ones left out.

    Args:
        rows: frame with String `columns`.
        columns: names, in the order to join.

    Returns:
        `rows.height` texts.

    Raises:
        RunError: if a column is missing.
    """
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        msg = f"expected columns {columns!r} to deduplicate by, got {rows.columns!r}"
        raise RunError(msg)
    parts = [rows[column].fill_null("").to_list() for column in columns]
    return ["\n".join(part for part in row if part) for row in zip(*parts, strict=True)]


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
