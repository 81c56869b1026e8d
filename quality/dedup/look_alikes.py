"""Changes that make another task of a row while nearly all of its words stay."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from quality.dedup.draws import Draw
from quality.dedup.edits import LIGHT_WORDS, Spot, Texts, edit, is_english, plain_words, word_set
from quality.dedup.lexicon import OPPOSITES
from quality.dedup.shingles import fold

_SPOKEN = ("English", "French", "German", "Spanish", "Italian", "Japanese")
_WRITTEN = ("Python", "Java", "JavaScript", "Ruby", "Perl", "Kotlin")
_OPPOSITE = {
    word: other
    for one, two in sorted(sorted(pair) for pair in OPPOSITES)
    for word, other in ((one, two), (two, one))
}
_LETTERS = re.compile(r"[A-Za-z]+")
# The number of an item in a list is not part of the task.
_NUMBER = re.compile(r"(?m)(?!^\s*\d+[.):])\d+")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|should|can|could|will|would|does|do)\b(?! not)")
_QUOTED_WORD = re.compile(r"[\"“`]([^\"”`\n]*?)(\b[^\W\d_]{3,}\b)[^\"”`\n]*[\"”`]")
_IDENTIFIER = re.compile(r"\b[A-Za-z]\w*_\w+\b|\b[a-z]+[A-Z]\w*\b|\b[A-Za-z]\w*(?=\(\))")
# Longer words that name nothing.
_EMPTY_WORDS = LIGHT_WORDS | word_set(
    "about above after again around based before being below between both could each every from "
    "give have here into itself like list make more most must other please provide should since "
    "such than their them then there they those through under using what when where which while "
    "whose will with without would your"
)
_SUBJECT_LETTERS = 5

#: Makes another task of a row; the second argument is the row that it may borrow from.
LookAlike = Callable[[Texts, Texts, Draw], Texts | None]


def other_number(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Change one digit."""
    del donor
    places = [
        (column, place)
        for column, text in enumerate(texts)
        for match in _NUMBER.finditer(text)
        for place in range(match.start(), match.end())
    ]
    if not places:
        return None
    column, place = draw.pick(places)
    digits = [digit for digit in "123456789" if digit != texts[column][place]]
    return edit(texts, [Spot(column, place, place + 1, draw.pick(digits, 1))], 1)


def negated(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Say "not" after an auxiliary verb, or "Do not" before an instruction."""
    del donor, draw
    lead = texts[0].strip()
    if not lead[:1].isalpha() or not is_english(texts[:1]):
        return None
    found = _AUXILIARY.search(texts[0])
    if found is not None:
        return edit(texts, [Spot(0, found.end(), found.end(), " not")], 1)
    if lead.endswith("?"):
        return None
    return (f"Do not {lead[0].lower()}{lead[1:]}", *texts[1:])


def other_name(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Replace a named language, or a word by its opposite."""
    del donor
    spots = [
        Spot(column, match.start(), match.end(), _cased(new, like=match[0]))
        for column, text in enumerate(texts)
        for match in _LETTERS.finditer(text)
        for new in [_counterpart(match[0], draw)]
        if new is not None
    ]
    return edit(texts, spots[:1], 1)


def other_literal(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Replace a word within quotes, or an identifier."""
    del draw
    spots = []
    for column, text in enumerate(texts):
        for match in _QUOTED_WORD.finditer(text):
            new = _borrowed(donor, text)
            if new is not None:
                spots.append(Spot(column, match.start(2), match.end(2), new))
        spots += [
            Spot(column, match.end(), match.end(), "_other") for match in _IDENTIFIER.finditer(text)
        ]
    return edit(texts, spots[:1], 1)


def other_instruction(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Ask another row's question about the same input."""
    del draw
    if len(texts) < 2 or not texts[1].strip() or not donor[0].strip():
        return None
    return None if fold(donor[0]) == fold(texts[0]) else (donor[0], *texts[1:])


def other_subject(texts: Texts, donor: Texts, draw: Draw) -> Texts | None:
    """Replace the last longer word of the instruction by one of another row."""
    del draw
    words = [word for word in plain_words(texts[:1])[1:] if _names_something(word.text)]
    new = _borrowed(donor, texts[0])
    if not words or new is None:
        return None
    return edit(texts, [Spot(0, words[-1].start, words[-1].end, new)], 1)


#: Kind of change that makes another task -> how it is made.
LOOK_ALIKES: Mapping[str, LookAlike] = MappingProxyType(
    {
        "other_literal": other_literal,
        "other_name": other_name,
        "other_number": other_number,
        "other_instruction": other_instruction,
        "negated": negated,
        "other_subject": other_subject,
    }
)


def _counterpart(word: str, draw: Draw) -> str | None:
    for group in (_SPOKEN, _WRITTEN):
        if word in group:
            return draw.pick([name for name in group if name != word])
    return _OPPOSITE.get(word.lower())


def _cased(new: str, *, like: str) -> str:
    return new[0].upper() + new[1:] if like[0].isupper() else new


def _names_something(word: str) -> bool:
    return len(word) >= _SUBJECT_LETTERS and word.casefold() not in _EMPTY_WORDS


def _borrowed(donor: Sequence[str], text: str) -> str | None:
    """Return the last longer word of the donor's instruction that `text` does not have."""
    taken = {word.casefold() for word in _LETTERS.findall(text)}
    for word in reversed(plain_words((donor[0],))):
        if _names_something(word.text) and word.text.casefold() not in taken:
            return word.text
    return None
