"""Shingles in plain Python, slow and short: what the compiled ones are held against."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations

import numpy as np
import xxhash
from rapidfuzz.distance import LCSseq

from quality.dedup.shingles import Fingerprints

WORD_SHINGLE = 3
CHARACTER_SHINGLE = 5

# Thai, Lao, Tibetan, Burmese, Khmer, kana and Han. Hangul is spaced.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


@cache
def word_characters() -> frozenset[str]:
    """Every letter, digit, underscore and combining mark there is."""
    letters = map(chr, range(sys.maxunicode + 1))
    return frozenset(
        letter
        for letter in letters
        if letter.isalnum() or letter == "_" or unicodedata.category(letter)[0] == "M"
    )


def fold(text: str) -> str:
    """NFC, casefolded, every run of white space one space, ends stripped."""
    return unicodedata.normalize("NFC", " ".join(text.split()).casefold())


def words(text: str) -> list[str]:
    """The folded words of a text in order."""
    known = word_characters()
    return "".join(letter if letter in known else " " for letter in fold(text)).split()


def tokens(text: str) -> list[str]:
    """The words of a text, or its characters where its script has no spaces."""
    found = words(text)
    return list("".join(found)) if is_unspaced(found) else found


def is_unspaced(found: Sequence[str]) -> bool:
    """Whether more than a third of the characters are of a script without spaces."""
    joined = "".join(found)
    return 3 * len(_UNSPACED.findall(joined)) > len(joined)


def shingle_set(
    text: str, shingle: int = WORD_SHINGLE, characters: int = CHARACTER_SHINGLE
) -> frozenset[str]:
    """The shingles of a text; empty only where the text is empty or white space."""
    found = words(text)
    if not found:
        return frozenset(filter(None, [fold(text)]))
    if is_unspaced(found):
        joined = "".join(found)
        last = max(1, len(joined) - characters + 1)
        return frozenset(joined[at : at + characters] for at in range(last))
    last = max(1, len(found) - shingle + 1)
    return frozenset(" ".join(found[at : at + shingle]) for at in range(last))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Shared shingles of all; 0.0 where either set is empty."""
    if not left or not right:
        return 0.0
    return len(left & right) / len(left | right)


def is_contained(left: frozenset[str], right: frozenset[str], share: float) -> bool:
    """Whether so much of the smaller set stands in the other, which is at most twice as large."""
    small, large = sorted((len(left), len(right)))
    return 0 < large <= 2 * small and len(left & right) >= share * small


def similar_pairs(
    sets: Sequence[frozenset[str]], threshold: float, containment: float | None = None
) -> set[tuple[int, int]]:
    """All pairs of places whose sets are alike, by comparing every one."""
    return {
        (a, b)
        for a, b in combinations(range(len(sets)), 2)
        if jaccard(sets[a], sets[b]) >= threshold
        or (containment is not None and is_contained(sets[a], sets[b], containment))
    }


def word_agreement(left: str, right: str) -> float:
    """2·LCS / (m + n) over the tokens of two texts; 0.0 where neither has any."""
    first, second = tokens(left), tokens(right)
    return 2 * LCSseq.similarity(first, second) / max(1, len(first) + len(second))


def digest(text: str) -> int:
    """The 32 bits that datasketch takes for a shingle."""
    return xxhash.xxh32_intdigest(text.encode())


def hash_text(text: str) -> int:
    """Low 32 bits: `digest`; high 32 bits: something else."""
    return xxhash.xxh64_intdigest(text.encode()) >> 32 << 32 | digest(text)


def pack(sets: Iterable[Iterable[str]]) -> Fingerprints:
    """Fingerprints of sets of strings, as if each string were a shingle."""
    rows = [np.array(sorted(map(hash_text, set(texts))), dtype=np.uint64) for texts in sets]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Fingerprints(np.concatenate([np.empty(0, np.uint64), *rows]), offsets)
