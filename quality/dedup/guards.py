"""Guards: differences that no similarity score sees and that make two tasks two tasks.

"Add 3 and 5" and "Add 3 and 6" have a cosine of .98; so has a true paraphrase, and no threshold
parts the two (sage-wiki#164). A guard vetoes a merge whatever the similarity. It errs on the side
of keeping both rows: a wrong veto costs a duplicate more, a missing one costs a row.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from quality.dedup.lexicon import (
    LANGUAGES,
    NEGATIONS,
    NUMBER_WORDS,
    OPPOSITES,
    TITLE_CASE_LANGUAGES,
    UNITS,
)
from quality.dedup.shingles import fold, words

_NUMBER_OR_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_LANGUAGE_WORD = re.compile(r"(?<![°º])\b[^\W\d_]+(?:\+\+|#)?")
_QUOTED = re.compile(
    # Bounded where the opening mark may repeat, or a text of marks would take quadratic time.
    r"\"([^\"\n]+)\"|“([^”\n]{1,300})”|„([^“”\n]{1,300})[“”]|«([^»\n]{1,300})»|`([^`\n]+)`"
    r"|(?<!\w)'([^'\n]+)'(?!\w)|(?<!\w)‘([^’\n]{1,300})’(?!\w)"
)
# Addresses, snake_case, camelCase, calls() and paths.
_IDENTIFIER = re.compile(
    r"https?://\S+|\b[A-Za-z]\w*_\w+\b|\b[a-z]+[A-Z]\w*\b|\b[A-Za-z]\w*(?=\(\))"
    r"|(?<!\w)\.?/\w+/[\w./]+"
)
_OPERATOR = re.compile(r"[+*^=<>%&|]+|(?<=[\d\s)])[-−/](?=[\s\d(])")
# A line that only says that there is no input says nothing.
_PLACEHOLDER = re.compile(
    r"^[^\w\n]{0,4}(?:no ?input(?: (?:needed|required|provided))?|none|n/?a|not applicable)"
    r"[^\w\n]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
# "Whether it is prime or not" negates nothing.
_IDLE_NEGATION = re.compile(r"\bor not\b")
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis")


_OPPOSITE_OF = {
    word: frozenset(next(iter(pair - {word})) for pair in OPPOSITES if word in pair)
    for word in frozenset().union(*OPPOSITES)
}


@dataclass(frozen=True, slots=True)
class GuardFeatures:
    """What the guards look at in one text.

    Attributes:
        folded: the whole text, folded.
        words: the folded words.
        numbers: values in order, number words as digits.
        negations: how many negating words.
        quotes: folded quoted strings.
        identifiers: names in code, paths and addresses, case kept.
        operators: arithmetic and comparison signs, sorted.
        languages: codes of the named languages in order, repeats left out.
        units: signs of the named units in order, repeats left out.
    """

    folded: str
    words: frozenset[str]
    numbers: tuple[str, ...]
    negations: int
    quotes: frozenset[str]
    identifiers: frozenset[str]
    operators: tuple[str, ...]
    languages: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What must be equal in two mergeable texts: a cheap first test over many rows."""
        return (self.numbers, self.negations, self.operators, self.languages, self.units)


@lru_cache(maxsize=65_536)
def guard_features(text: str) -> GuardFeatures:
    """Read from `text` all that the guards compare."""
    text = _PLACEHOLDER.sub("", text)
    folded, tokens = fold(text), words(text)
    quotes = ("".join(match) for match in _QUOTED.findall(text))
    return GuardFeatures(
        folded=folded,
        words=frozenset(tokens),
        numbers=_numbers(folded),
        negations=_count_negations(folded),
        quotes=frozenset(fold(quote).strip(" .,;:!?") for quote in quotes),
        identifiers=frozenset(_IDENTIFIER.findall(text)),
        operators=tuple(sorted(_OPERATOR.findall(folded))),
        languages=_languages(text),
        units=tuple(dict.fromkeys(UNITS[token] for token in tokens if token in UNITS)),
    )


def differs_in_numbers(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether the numbers differ, in value or in order ("5 minus 3", "3 minus 5")."""
    return left.numbers != right.numbers


def differs_in_negation(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether one text negates more often, or negates a word by its prefix (valid, invalid)."""
    if left.negations != right.negations:
        return True
    only_left, only_right = left.words - right.words, right.words - left.words
    return _has_prefixed(left.words, only_right) or _has_prefixed(right.words, only_left)


def differs_in_opposites(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether one text has a word alone and the other its opposite (largest, smallest)."""
    only_left, only_right = left.words - right.words, right.words - left.words
    return _has_opposite(only_left, right.words) or _has_opposite(only_right, left.words)


def differs_in_quotes(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether a quoted string of one text is nowhere in the other, quoted or not."""
    return any(quote not in right.folded for quote in left.quotes) or any(
        quote not in left.folded for quote in right.quotes
    )


def differs_in_code(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether identifiers, paths, addresses or operators differ."""
    return left.identifiers != right.identifiers or left.operators != right.operators


def differs_in_languages(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether the named languages differ, in name or in order (French to German)."""
    return left.languages != right.languages


def differs_in_units(left: GuardFeatures, right: GuardFeatures) -> bool:
    """Say whether the named units differ, in name or in order (seconds to hours)."""
    return left.units != right.units


GUARDS: Mapping[str, Callable[[GuardFeatures, GuardFeatures], bool]] = MappingProxyType(
    {
        "numbers": differs_in_numbers,
        "negation": differs_in_negation,
        "opposites": differs_in_opposites,
        "quotes": differs_in_quotes,
        "languages": differs_in_languages,
        "code": differs_in_code,
        "units": differs_in_units,
    }
)


def vetoing_guard(left: str, right: str) -> str | None:
    """Return the name of the first guard that forbids to merge two texts, None where none does.

    Example:
        >>> vetoing_guard("Name three colours", "Name 4 colours")
        'numbers'
        >>> vetoing_guard("Name three colours", "Name 3 colours") is None
        True
    """
    first, second = guard_features(left), guard_features(right)
    if first.folded == second.folded:
        return None
    return next((name for name, differs in GUARDS.items() if differs(first, second)), None)


def _numbers(folded: str) -> tuple[str, ...]:
    """List the numbers in a canonical form: no thousands separators, number words as digits."""
    found = []
    for token in _NUMBER_OR_WORD.findall(folded):
        if not token[0].isdigit():
            if token in NUMBER_WORDS:
                found.append(NUMBER_WORDS[token])
        elif _THOUSANDS.fullmatch(token):
            found.append(token.replace(",", ""))
        else:
            # int() also reads the digits of other scripts.
            found.append(str(int(token)) if token.isdecimal() and len(token) < 20 else token)
    return tuple(found)


def _count_negations(folded: str) -> int:
    """Count the negating words, "n't" among them."""
    text = _IDLE_NEGATION.sub(" ", folded)
    return sum(word in NEGATIONS for word in words(text)) + len(re.findall(r"n['’]t\b", text))


def _languages(text: str) -> tuple[str, ...]:
    """List the codes of the named languages in order of first mention."""
    found = []
    for match in _LANGUAGE_WORD.finditer(text):
        code = LANGUAGES.get(match[0].casefold())
        if match[0] in TITLE_CASE_LANGUAGES and not _starts_sentence(text, match.start()):
            code = TITLE_CASE_LANGUAGES[match[0]]
        if code is not None:
            found.append(code)
    return tuple(dict.fromkeys(found))


def _starts_sentence(text: str, place: int) -> bool:
    """Say whether a capital letter at `place` says nothing: "Go" is no language there."""
    before = text[max(0, place - 4) : place].rstrip(" ")
    return not before or before[-1] in ".!?:\n"


def _has_opposite(alone: frozenset[str], others: frozenset[str]) -> bool:
    """Say whether `others` has the opposite of a word in `alone`."""
    return any(_OPPOSITE_OF[word] & others for word in alone if word in _OPPOSITE_OF)


def _has_prefixed(plain: frozenset[str], negated: frozenset[str]) -> bool:
    """Say whether `negated` has a word of `plain` behind a negating prefix."""
    return any(prefix + word in negated for word in plain for prefix in _PREFIXES if len(word) > 3)
