"""What guards read in words and digits: numbers, negations, units and negating prefixes.

All texts of a batch are read at once, by the hashes of their words.
"""

import re
from typing import NamedTuple

import numpy as np

from quality.dedup.guard_tokens import (
    COMBINING,
    DIGIT,
    LETTER,
    Flags,
    Hashes,
    Positions,
    Tokens,
    hash_sequences,
    hash_spans,
    hash_strings,
    places_in,
)
from quality.dedup.lexicon import (
    LANGUAGES,
    NEGATING_PREFIXES,
    NEGATIONS,
    NUMBER_WORDS,
    TITLE_CASE_LANGUAGES,
    UNITS,
)
from quality.dedup.shingles import fold

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
# Longer numbers stay as they are written: int() takes quadratic time.
_MAX_DIGITS = 19
# A shorter stem is a word by chance: "in" and "side".
_MIN_STEM = 4


class LexiconWords(NamedTuple):
    """Where a batch of texts has words of the lexicon.

    Attributes:
        words: which word each is, as an index of the tables below.
        starts: where it starts in the data of the tokens.
        tokens: which token it is; -1 where it is but a part of one ("python" in "python_3").
    """

    words: Positions
    starts: Positions
    tokens: Positions


class PrefixedWords(NamedTuple):
    """The words that begin with a negating prefix ("invalid").

    Attributes:
        rows: number of the text of each, ascending.
        words: hash of the word.
        stems: hash of the rest of the word, as if it were a word of its own ("valid").
    """

    rows: Positions
    words: Hashes
    stems: Hashes


def find_lexicon_words(tokens: Tokens) -> LexiconWords:
    """Find the words of the lexicon, and those that stand between digits and underscores."""
    whole, words = _look_up(tokens.hashes)
    starts, ends = _letters_of_mixed_words(tokens)
    parts, part_words = _look_up(hash_spans(tokens.data, starts, ends))
    return LexiconWords(
        np.concatenate((words, part_words)),
        np.concatenate((tokens.starts[whole], starts[parts])),
        np.concatenate((whole, np.full(len(parts), -1))),
    )


def hash_numbers(tokens: Tokens, found: LexiconWords) -> Hashes:
    """Hash the numbers of each text in order, in a canonical form; 0 where it has none.

    Thousands separators and leading zeros are left out, and a number word counts as its digits.
    """
    starts, values = _written_numbers(tokens)
    is_number = _IS_NUMBER[found.words]
    starts = np.concatenate((starts, found.starts[is_number]))
    values = np.concatenate((values, _NUMBERS[found.words[is_number]]))
    order = np.argsort(starts)
    return hash_sequences(values[order], tokens.rows_at(starts[order]), tokens.height)


def count_negations(tokens: Tokens, found: LexiconWords) -> Positions:
    """Count the negating words of each text, "n't" among them."""
    words = found.tokens[_NEGATES[found.words] & (found.tokens >= 0)]
    # "Whether it is prime or not" negates nothing.
    is_idle = (tokens.hashes[words] == _NOT) & _follow(tokens, words, _OR)
    contracted = np.flatnonzero(tokens.hashes == _T)
    contracted = contracted[_follow(tokens, contracted, _APOSTROPHES)]
    before = tokens.starts[contracted - 1] - 1
    is_contracted = (tokens.ends[contracted - 1] == tokens.starts[contracted]) & (
        tokens.bytes[before] == ord("n")
    )
    rows = np.concatenate((tokens.rows[words[~is_idle]], tokens.rows[contracted[is_contracted]]))
    return np.bincount(rows, minlength=tokens.height)


def hash_units(tokens: Tokens, found: LexiconWords) -> Hashes:
    """Hash the units of each text in order of first mention; 0 where it has none."""
    is_unit = _IS_UNIT[found.words] & (found.tokens >= 0)
    units, rows = _UNITS[found.words[is_unit]], tokens.rows[found.tokens[is_unit]]
    _, first = np.unique(np.stack((rows.astype(np.uint64), units)), axis=1, return_index=True)
    first.sort()
    return hash_sequences(units[first], rows[first], tokens.height)


def find_language_rows(tokens: Tokens, found: LexiconWords) -> Positions:
    """Return the numbers of the texts that may name a language, ascending."""
    return np.unique(tokens.rows_at(found.starts[_STARTS_LANGUAGE[found.words]]))


def find_prefixed_words(tokens: Tokens) -> PrefixedWords:
    """Find the words of a negating prefix and at least four more characters."""
    data = tokens.bytes
    continuations = np.flatnonzero(data & 0xC0 == 0x80)
    likely = np.flatnonzero(tokens.ends - tokens.starts > _MIN_STEM)
    likely = likely[_STARTS_PREFIX[data[tokens.starts[likely]]]]
    found, stems = [], []
    for prefix in NEGATING_PREFIXES:
        chosen = likely
        for place, letter in enumerate(prefix.encode()):
            # A line break ends every text, so there is a byte to look at, and no prefix has one.
            chosen = chosen[data[tokens.starts[chosen] + place] == letter]
        starts, ends = tokens.starts[chosen] + len(prefix), tokens.ends[chosen]
        extra = np.searchsorted(continuations, ends) - np.searchsorted(continuations, starts)
        is_long = ends - starts - extra >= _MIN_STEM
        found.append(chosen[is_long])
        stems.append(hash_spans(tokens.data, starts[is_long], ends[is_long]))
    words = np.concatenate(found)
    order = np.argsort(words)
    words = words[order]
    return PrefixedWords(tokens.rows[words], tokens.hashes[words], np.concatenate(stems)[order])


def _look_up(hashes: Hashes) -> tuple[Positions, Positions]:
    """Return where in `hashes` words of the lexicon are, and which."""
    # Nearly every word falls through an empty slot, and only the others are searched for.
    places = np.flatnonzero(_SLOTS[hashes >> np.uint64(48)])
    words = np.minimum(np.searchsorted(_HASHES, hashes[places]), len(_HASHES) - 1)
    is_found = _HASHES[words] == hashes[places]
    return places[is_found], words[is_found]


def _letters_of_mixed_words(tokens: Tokens) -> tuple[Positions, Positions]:
    """Return the runs of letters in the words that are not all letters, as starts and ends."""
    other = np.flatnonzero((tokens.kinds >= COMBINING) & (tokens.kinds != LETTER))
    mixed = np.unique(np.searchsorted(tokens.starts, other, side="right") - 1)
    places = places_in(tokens.starts[mixed], tokens.ends[mixed])
    places = places[tokens.kinds[places] == LETTER]
    return _runs(places, np.diff(places) == 1)


def _written_numbers(tokens: Tokens) -> tuple[Positions, Hashes]:
    """Return where numbers in digits start, and the hashes of their canonical forms."""
    data = tokens.bytes
    is_digit = tokens.kinds == DIGIT
    places = np.flatnonzero(is_digit)
    gaps = np.diff(places)
    is_separator = np.isin(data[places[:-1] + 1], list(b".,:"))
    starts, ends = _runs(places, (gaps == 1) | ((gaps == 2) & is_separator))
    values = hash_spans(tokens.data, starts, ends)
    # Most are canonical as they are: nothing but ASCII digits, the first of them no zero.
    plain = places[data[places] < 128]
    digits = np.searchsorted(plain, ends) - np.searchsorted(plain, starts)
    other = np.flatnonzero((digits != ends - starts) | (data[starts] == ord("0")))
    values[other] = hash_strings(
        [
            _canonical(tokens.data[start:end].decode())
            for start, end in zip(starts[other].tolist(), ends[other].tolist(), strict=True)
        ]
    )
    return starts, values


def _canonical(number: str) -> str:
    """Return a number without thousands separators and leading zeros."""
    if _THOUSANDS.fullmatch(number):
        return number.replace(",", "")
    # int() also reads the digits of other scripts.
    return str(int(number)) if number.isdecimal() and len(number) <= _MAX_DIGITS else number


def _runs(places: Positions, is_joined: Flags) -> tuple[Positions, Positions]:
    """Return the runs in ascending `places`, given which neighbours are of one run."""
    is_first = np.concatenate((np.ones(min(1, len(places)), dtype=np.bool_), ~is_joined))
    is_last = np.concatenate((~is_joined, np.ones(min(1, len(places)), dtype=np.bool_)))
    return places[is_first], places[is_last] + 1


def _follow(tokens: Tokens, places: Positions, hashes: Hashes | np.uint64) -> Flags:
    """Say of each token in `places` whether one of `hashes` is just before it in its text."""
    before = np.maximum(places - 1, 0)
    flags: Flags = np.isin(tokens.hashes[before], hashes) & (
        tokens.rows[before] == tokens.rows[places]
    )
    return flags & (places > 0)


# Tables of the lexicon, in the order of the hashes of its words.
_LANGUAGE_STARTS = frozenset(
    # C++ and C# are found by their letter.
    fold(name).rstrip("+#")
    for name in (*LANGUAGES, *TITLE_CASE_LANGUAGES)
)
_LEXICON = sorted(
    {*NUMBER_WORDS, *UNITS, *NEGATIONS, *_LANGUAGE_STARTS},
    key=lambda word: int(hash_strings([word])[0]),
)
_HASHES = hash_strings(_LEXICON)
_SLOTS = np.isin(np.arange(2**16), _HASHES >> np.uint64(48))
_IS_NUMBER = np.array([word in NUMBER_WORDS for word in _LEXICON])
_NUMBERS = hash_strings([NUMBER_WORDS.get(word, "") for word in _LEXICON])
_IS_UNIT = np.array([word in UNITS for word in _LEXICON])
_UNITS = hash_strings([UNITS.get(word, "") for word in _LEXICON])
_NEGATES = np.array([word in NEGATIONS for word in _LEXICON])
_STARTS_LANGUAGE = np.array([word in _LANGUAGE_STARTS for word in _LEXICON])
_STARTS_PREFIX = np.isin(np.arange(256), [ord(prefix[0]) for prefix in NEGATING_PREFIXES])
_NOT, _OR, _T = hash_strings(["not", "or", "t"])
_APOSTROPHES = hash_strings(["'", "’"])
