"""Small changes to a task: those that leave it the same, and those that make it another one.

Every edit takes the texts of one row, column by column, and changes them at a few places. What a
guard looks at (numbers, negations, names of languages, quotes, code) is left alone by the edits
that must not change the task.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from quality.dedup.draws import Draw
from quality.dedup.lexicon import (
    LANGUAGES,
    NEGATIONS,
    NUMBER_WORDS,
    OPPOSITES,
    TITLE_CASE_LANGUAGES,
    UNITS,
)

#: The texts of one row, column by column.
Texts: TypeAlias = tuple[str, ...]


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as text."""
    return frozenset(text.split())


#: English words that a task bears to lose, and by which a text is known to be English.
LIGHT_WORDS = word_set(
    "a an the of to for that this these is are some following given it its in on"
)
FILLERS = ("really", "just", "basically", "actually", "simply", "kindly")
#: What goes around a whole instruction, from one word to a sentence on either side.
WRAPPERS = (
    ("Please", ""),
    ("Could you please", ""),
    ("Please", "Thank you!"),
    ("I would like you to", "Thanks in advance!"),
    ("Hello, I need some help with this task, could you please", "Many thanks for your help!"),
)

_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?"
_PROTECTED = frozenset(
    {*NUMBER_WORDS, *NEGATIONS, *LANGUAGES, *UNITS, *(word for pair in OPPOSITES for word in pair)}
    | {name.casefold() for name in TITLE_CASE_LANGUAGES}
)
# Quotes, and lines that look like code or a table.
_LITERAL = re.compile(
    r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|`[^`\n]*`|'(?<!\w')[^'\n]+'(?!\w)"
    r"|‘[^’\n]*’(?!\w)|^.*[{}=<>|\\_@#].*$",
    re.MULTILINE,
)
_TYPO_LETTERS = 5


class Spot(NamedTuple):
    """A place that an edit can change.

    Attributes:
        column: which text.
        start: first character.
        end: after the last one.
        new: what stands there then.
    """

    column: int
    start: int
    end: int
    new: str


class Word(NamedTuple):
    """A word that can be edited without touching what makes the task.

    Attributes:
        column: which text.
        start: first character.
        end: after the last one; marks around the word are left out.
        text: the word.
        gap: whether a single space and another such word follow.
    """

    column: int
    start: int
    end: int
    text: str
    gap: bool


def plain_words(texts: Texts) -> list[Word]:
    """List the words of letters only that no guard looks at and that stand in no quote or code."""
    return [word for column, text in enumerate(texts) for word in _plain_words(column, text)]


def is_english(texts: Texts) -> bool:
    """Say whether a text has one of the commonest English words."""
    return any(word.casefold() in LIGHT_WORDS for text in texts for word in text.split())


def edit(texts: Texts, spots: Sequence[Spot], count: int) -> Texts | None:
    """Change the first `count` spots that do not overlap; None where there are fewer."""
    chosen: list[Spot] = []
    for spot in spots:
        if len(chosen) == count:
            break
        if not any(_overlap(spot, other) for other in chosen):
            chosen.append(spot)
    if len(chosen) < count:
        return None
    changed = list(texts)
    for spot in sorted(chosen, reverse=True):
        text = changed[spot.column]
        changed[spot.column] = text[: spot.start] + spot.new + text[spot.end :]
    return tuple(changed)


def surface_spots(texts: Texts) -> list[Spot]:
    """White space, case and marks at the end: nothing that a reader would call a change."""
    spots = [
        Spot(word.column, word.end, word.end + 1, "  ") for word in plain_words(texts) if word.gap
    ]
    spots += [
        Spot(word.column, word.start, word.start + 1, word.text[0].swapcase())
        for word in plain_words(texts)
    ]
    for column, text in enumerate(texts):
        end = len(text.rstrip())
        if text[:end].endswith((".", "!", "?")):
            spots.append(Spot(column, end - 1, end, ""))
        elif text[:end]:
            spots.append(Spot(column, end, end, "."))
    return spots


def typo_spots(texts: Texts) -> list[Spot]:
    """Two neighbouring inner letters of a longer word, swapped."""
    spots = []
    for word in plain_words(texts):
        inner = range(1, len(word.text) - 2)
        unlike = [place for place in inner if word.text[place] != word.text[place + 1]]
        if len(word.text) < _TYPO_LETTERS or not unlike:
            continue
        place = unlike[len(unlike) // 2]
        swapped = word.text[place + 1] + word.text[place]
        start = word.start + place
        spots.append(Spot(word.column, start, start + 2, swapped))
    return spots


def dropped_spots(texts: Texts) -> list[Spot]:
    """An article, a preposition and the like, left out."""
    return [
        Spot(word.column, word.start, word.end + 1, "")
        for word in plain_words(texts)
        if word.gap and word.text.casefold() in LIGHT_WORDS
    ]


def filler_spots(texts: Texts) -> list[Spot]:
    """A word that says nothing, put between two words."""
    if not is_english(texts):
        return []
    return [
        Spot(word.column, word.end, word.end, f" {FILLERS[len(word.text) % len(FILLERS)]}")
        for word in plain_words(texts)
        if word.gap
    ]


def swapped_spots(texts: Texts) -> list[Spot]:
    """Two neighbouring words, one of them a light one, in the wrong order."""
    found = plain_words(texts)
    return [
        Spot(first.column, first.start, second.end, f"{second.text} {first.text}")
        for first, second in pairwise(found)
        if first.gap
        and first.start > 0  # the capital of a first word would tell
        and (first.text.casefold() in LIGHT_WORDS or second.text in LIGHT_WORDS)
    ]


#: Kind of edit that leaves the task the same -> where it could be made. `polite` is no spot.
DUPLICATES: Mapping[str, Callable[[Texts], list[Spot]]] = MappingProxyType(
    {
        "surface": surface_spots,
        "typo": typo_spots,
        "word_dropped": dropped_spots,
        "filler": filler_spots,
        "words_swapped": swapped_spots,
    }
)
POLITE = "polite"

#: How many places are changed at once.
_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
# One change costs between one and three shingles: trying some places gives a choice.
_TRIES = 4


def duplicates_of(texts: Texts, kind: str, draw: Draw) -> Iterator[Texts]:
    """Make variants of a row that ask the same, from weak to strong.

    Args:
        texts: the row.
        kind: one of DUPLICATES, or POLITE.
        draw: chooses the places.
    """
    if kind == POLITE:
        yield from _wrapped(texts)
        return
    spots = draw.arrange(DUPLICATES[kind](texts))
    for count in _COUNTS:
        for first in range(min(_TRIES, len(spots))):
            changed = edit(texts, spots[first:] + spots[:first], count)
            if changed is None:
                return
            yield changed


def _wrapped(texts: Texts) -> Iterator[Texts]:
    instruction = texts[0].strip()
    if not instruction[:1].isalpha() or not is_english(texts):
        return
    keeps_case = instruction[:2].isupper() or instruction.split()[0] == "I"
    body = instruction if keeps_case else instruction[0].lower() + instruction[1:]
    for before, after in WRAPPERS:
        yield (f"{before} {body} {after}".rstrip(), *texts[1:])


def _plain_words(column: int, text: str) -> Iterator[Word]:
    literal = [match.span() for match in _LITERAL.finditer(text)]
    found = []
    for match in _WORD.finditer(text):
        core = match[0].strip(_EDGES)
        start = match.start() + match[0].find(core) if core else match.start()
        is_free = not any(low < match.end() and match.start() < high for low, high in literal)
        is_mixed = core[1:] != core[1:].lower()
        if core.isalpha() and is_free and not is_mixed and core.casefold() not in _PROTECTED:
            found.append((start, start + len(core), core))
    starts = {start for start, _, _ in found}
    for start, end, core in found:
        yield Word(column, start, end, core, text[end : end + 1] == " " and end + 1 in starts)


def _overlap(one: Spot, other: Spot) -> bool:
    # Touching counts: two insertions at one place, or a swap beside a dropped word.
    return one.column == other.column and one.start <= other.end and other.start <= one.end
