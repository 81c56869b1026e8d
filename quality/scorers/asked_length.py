"""Answers of the length that was asked for, in words, sentences, lines or paragraphs."""

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

_NUMBERS: Final[dict[str, int]] = {
    "a single": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "fifty": 50,
    "hundred": 100, "einem": 1, "einen": 1, "eine": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwanzig": 20, "hundert": 100,
}  # fmt: skip
#: Forms of verse with a fixed number of lines.
_VERSES: Final[dict[str, int]] = {"haiku": 3, "limerick": 5, "couplet": 2, "quatrain": 4}
_N = rf"(\d{{1,4}}|{'|'.join(_NUMBERS)})"
_UNITS: Final[dict[str, str]] = {
    "word": r"words?|wörtern?|worten?", "sentence": r"sentences?|sätzen?|satz",
    "paragraph": r"paragraphs?|absätzen?|absatz", "line": r"lines?|zeilen?",
}  # fmt: skip
_UNIT = "(" + "|".join(_UNITS.values()) + ")"
_AT_LEAST = r"(?:at least|no (?:fewer|less) than|minimum(?: of)?|mindestens|nicht weniger als)"
_MORE = r"(?:more than|over|longer than|mehr als|länger als)"
_AT_MOST = (
    r"(?:at most|no more than|not more than|up to|maximum(?: of)?|a? ?max\.?|within|not "
    r"exceed(?:ing)?"
    r"|limit(?:ed)? to|höchstens|maximal|nicht mehr als|bis zu)"
)
_FEWER = r"(?:less than|fewer than|under|below|shorter than|weniger als|unter)"
_ABOUT = r"(?:about|around|approximately|roughly|some|etwa|ungefähr|circa|ca\.|rund)"
_ADJECTIVE = r"(?:(?:short|long|complete|full|simple|concise|kurzen?|ganzen?|vollständigen?) )?"
_BOUNDED = re.compile(
    rf"\b(?:(?P<least>{_AT_LEAST})|(?P<more>{_MORE})|(?P<most>{_AT_MOST})|(?P<fewer>{_FEWER})"
    rf"|(?P<about>{_ABOUT})|(?P<exact>exactly|genau|in|within|using (?:only|just)|in (?:just|only)"
    rf"|in nur|with exactly))\s+(?:only |just |nur )?{_N} {_ADJECTIVE}{_UNIT}\b"
    r"(?P<after> or (?:less|fewer)| or more| oder weniger| oder mehr| max(?:imum)?\b)?",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"\b(?:between |zwischen )?{_N} ?(?:-|–|to|and|bis|und|or|oder) ?{_N} {_ADJECTIVE}{_UNIT}\b",
    re.IGNORECASE,
)
_MAKES = (
    r"(?:write|compose|create|generate|craft|produce|provide|give me|develop|come up with|make|"
    r"construct|summari[sz]e|schreibe?|verfasse|erstelle|dichte)"
)
#: "Create a 200-word essay", "Write a short three sentence story", "Write four sentences".
_SIZED = re.compile(
    rf"^\W*(?:please |bitte )?{_MAKES} (?:me |us |mir )?(?:an?|one|your|eine?n?) (?:\w+ )?{_N}[- ]"
    r"(word|sentence|paragraph|line) \w+"
    rf"|^\W*(?:please |bitte )?{_MAKES} {_N} (sentences?|paragraphs?|lines|sätze|absätze|zeilen)\b",
    re.IGNORECASE,
)
_VERSE = re.compile(
    rf"^\W*(?:please |bitte )?{_MAKES} (?:me )?(?:an?|ein(?:en)?) (?:\w+ )?({'|'.join(_VERSES)})\b",
    re.IGNORECASE,
)
#: The size is of something else: of the given text, of every item, of a thing to be counted.
_ELSEWHERE = re.compile(
    r"(?i)\b(?:each|every|per|apiece|jeweils|jede[rsn]?|pro|following|given|these|this|the above|"
    r"folgende[nrs]?|diese[nrs]?|combine|merge|count|how many|split|divide|python|program|function|"
    r"script|code|titles?|headlines?|names?|verbinde|password|outline|list of|tweets?|questions?|"
    r"ideas?|examples?|options?|versions?|at the end|first|last|using the words?|e-?mail|letter|"
    r"brief)\b"
)
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|No|Inc|Ltd|Co|U\.S|a\.m|p\.m|z\.B|bzw|ca|"
    r"Nr|usw|d\.h|u\.a|[A-Z])\.(?=\s)"
)
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]*]*(?=\s|$)|[。！？]")
_CLAUSE = re.compile(r"[^/,;.!?\n]*[^\W_][^/,;.!?\n]*")
_MARKER = re.compile(r"^[ \t]*(?:[-*•–]|\(?\d{1,3}[.):])[ \t]+", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_HAS_LETTER = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Size:
    """How long an answer should be.

    Attributes:
        unit: word, sentence, paragraph or line.
        least: inclusive lower bound.
        most: inclusive upper bound, null for none.
    """

    unit: str
    least: int
    most: int | None


def find_size(task: str) -> Size | None:
    """Return the length that an instruction asks for, null where it asks for none or for two.

    Example:
        >>> find_size("Explain it in 2 to 3 sentences.")
        Size(unit='sentence', least=2, most=3)
    """
    if _ELSEWHERE.search(task):
        return None
    sizes = [_read_range(match) for match in _RANGE.finditer(task)]
    rest = _RANGE.sub(" ", task)
    sizes += [_read_bound(match) for match in _BOUNDED.finditer(rest)]
    rest = _BOUNDED.sub(" ", rest)
    sizes += [_read_sized(match) for match in _SIZED.finditer(rest)]
    sizes += [
        Size("line", lines, lines)
        for lines in map(_VERSES.get, map(str.lower, _VERSE.findall(rest)))
        if lines
    ]
    return sizes[0] if len(sizes) == 1 else None


def _number(text: str) -> int:
    return _NUMBERS[text.lower()] if text.lower() in _NUMBERS else int(text)


def _unit(text: str) -> str:
    return next(name for name, forms in _UNITS.items() if re.fullmatch(forms, text.lower()))


def _read_range(match: re.Match[str]) -> Size:
    low, high, unit = match.groups()
    return Size(_unit(unit), *sorted((_number(low), _number(high))))


def _read_bound(match: re.Match[str]) -> Size:
    number, unit = _number(match[7]), _unit(match[8])
    after = (match["after"] or "").strip().lower()
    if match["least"] or after.endswith(("more", "mehr")):
        return Size(unit, number, None)
    if match["more"]:
        return Size(unit, number + 1, None)
    if match["most"] or after:
        return Size(unit, 0, number)
    if match["fewer"]:
        return Size(unit, 0, max(0, number - 1))
    if match["about"] or unit == "word":
        return Size(unit, round(number * 0.8), round(number * 1.2))
    return Size(unit, number, number)


def _read_sized(match: re.Match[str]) -> Size:
    number, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
    exact = _number(number)
    if _unit(unit) == "word":
        return Size("word", round(exact * 0.8), round(exact * 1.2))
    return Size(_unit(unit), exact, exact)


def count_units(text: str, unit: str) -> tuple[int, int]:
    """Return the smallest and the largest plausible number of units in a text.

    Where a sentence or a paragraph ends is a matter of opinion; words and lines are not.
    """
    text = _MARKER.sub("", text)
    lines = [line for line in text.splitlines() if _HAS_LETTER.search(line)]
    if unit == "word":
        counts = [len(_WORD.findall(text)), len(re.findall(r"\S*[^\W_]\S*", text))]
    elif unit == "sentence":
        ends = len(_SENTENCE_END.findall(_ABBREVIATION.sub(" ", text)))
        counts = [max(1, ends), max(ends, len(lines))]
    elif unit == "line" and len(lines) > 1:
        counts = [len(lines)]
    elif unit == "line":
        # Verse also comes in one line, with strokes or commas; "ten lines" of prose are sentences.
        counts = [1, len(_CLAUSE.findall(text)), len(_SENTENCE_END.findall(text))]
    else:
        blocks = [block for block in re.split(r"\n\s*\n", text) if _HAS_LETTER.search(block)]
        counts = [len(blocks), len(lines)]
    return min(counts), max(counts)


def asked_length(rows: pl.DataFrame) -> pl.Series:
    """Measure by which share the output misses the length that the instruction asks for.

    Words of a round number ("in 200 words", "a 50-word blurb", "about 30 words") may miss it by a
    fifth; bounds, sentences, paragraphs and lines are taken literally. A haiku has three lines, a
    limerick five, a quatrain four, a couplet two.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64 in 0..1: 0.0 within bounds, else the distance to the nearer bound over that bound,
        at most 1; null where no length is asked for, two are, or it is of something else ("each
        in 20 words"), and for an empty output.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, length constraints. Differs:
        read from free text, English or German; the miss is graded; sentences are counted kindly.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Explain rain in one sentence."] * 2,
        ...     "output": ["Water falls.", "It rains. Water falls. So."]})
        >>> asked_length(rows).to_list()
        [0.0, 1.0]
    """
    task = rows["instruction"].fill_null("")
    suspects = task.str.contains(rf"(?i)\b{_UNIT}\b|{'|'.join(_VERSES)}")
    answers = rows["output"].fill_null("")
    scores = [
        _miss(question, answer) if suspect and _HAS_LETTER.search(answer) else None
        for question, answer, suspect in zip(task, answers, suspects, strict=True)
    ]
    return pl.Series("asked_length", scores, dtype=pl.Float64)


def _miss(task: str, answer: str) -> float | None:
    size = find_size(task)
    if size is None:
        return None
    fewest, most = count_units(answer, size.unit)
    if most < size.least:
        return min(1.0, (size.least - most) / size.least)
    if size.most is not None and fewest > size.most:
        return min(1.0, (fewest - size.most) / max(1, size.most))
    return 0.0
