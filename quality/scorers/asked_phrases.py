"""Words that the answer must start with, end with, contain or do without."""

import re
from typing import Final

import polars as pl

from quality.words import is_code

_QUOTED = r"(?:\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|„([^“”\n]{1,200})[“”]|'([^'\n]{2,200})')"
_LIST = rf"{_QUOTED}(?:(?:, (?:and |or |und |oder )?| and | or | und | oder ){_QUOTED}){{0,4}}"
_UNIT = r"(?:words?|phrases?|sentences?|keywords?|terms?|letters?|wörter|wort|satz|buchstaben?)"
_THE = rf"(?:the |these |this |das |dem |den |die |der |following |exact ){{0,2}}(?:{_UNIT}:? )?"
_ANSWER = (
    r"(?:answer|response|reply|story|poem|essay|text|paragraph|letter|email|sentence|speech|post|"
    r"antwort|geschichte|gedicht|satz|absatz|brief)"
)
_WRITE = (
    rf"(?:write|compose|create|generate|tell|construct|form|craft|schreibe?|verfasse|bilde)\b"
    rf"[^.\n\"“„]*?\b{_ANSWER}\b[^.\n\"“„]*?"
)
#: Not "without using", not "that begins with".
_PLAIN = "".join(
    f"(?<!{word} )"
    for word in (
        "without", "not", "ohne", "begin", "begins", "beginning", "start", "starts", "starting",
        "end", "ends", "ending", "beginnt", "endet", "never",
    )
)  # fmt: skip
#: The four demands; each ends in one to five quoted phrases.
_RULES: Final[dict[str, re.Pattern[str]]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "starts": rf"(?:\b(?:your|the|die|deine) {_ANSWER} (?:should |must |has to |soll |muss )?|"
        rf"^\W*{_WRITE}(?:that |which |die |der |das )?|^\W*)(?:starts?|begins?|beginning|starting|"
        rf"beginnt|beginne|beginnen) (?:off )?(?:with|mit|by saying) {_THE}{_QUOTED}",
        "ends": rf"(?:\b(?:your|the|die|deine) {_ANSWER} (?:should |must |has to |soll |muss )?|"
        rf"^\W*{_WRITE}(?:that |which |die |der |das )?|[.,] ?(?:and )?)(?:ends?|ending|finish|"
        rf"endet|"
        rf"beende|enden) (?:it |your {_ANSWER} )?(?:with|mit) {_THE}{_QUOTED}",
        "contains": rf"(?:^\W*{_WRITE}|\b(?:your|the|die|deine) {_ANSWER} (?:should |must |has to |"
        rf"soll |muss ))(?:that |which |die |der |das )?{_PLAIN}(?:using|use|uses|includ(?:e|es|"
        rf"ing)|"
        rf"contain(?:s|ing)?|with|mit|enthält|enthalten) (?:both |all )?{_THE}{_LIST}",
        "lacks": rf"\b(?:without|do not|don['’]t|never|avoid|ohne) (?:ever )?(?:us(?:e|ing)|"
        rf"includ(?:e|ing)|mention(?:ing)?|say(?:ing)?|writ(?:e|ing))? ?{_THE}{_LIST}",
    }.items()
}  # fmt: skip
_HINTS = [
    "start", "begin", "end", "finish", "contain", "includ", "us", "with", "mit", "avoid", "not",
    "don't", "don’t", "never", "ohne", "enthält", "enthalt",
]  # fmt: skip
#: Phrases of something else: of items to be listed, of code, of a text to be changed or looked at.
_ELSEWHERE = re.compile(
    r"(?i)\b(?:each|every|words? (?:that|which|starting|beginning|ending)|names?|list|find|count|"
    r"identify|replace|remove|delete|titles?|python|program|function|script|code|regex\w*|string|"
    r"conjugat\w*|past tense|plural|form of|synonyms?|two sentences|jede[rsn]?|wörter,? die|"
    r"ersetze|"
    r"finde|zähle|change|rhym\w*|instead|correct\w*|fill|blank|analogy|metaphor|simile|acrostic|"
    r"akrostichon)\b"
)
_MIN_STEM = 4
#: Every demand is one more pass over the answer.
_MAX_TASK, _MAX_DEMANDS = 4000, 10
_EDGE = re.compile(r"^[\s\"'“”„*_#>-]+|[\s\"'“”*_.,;:!?…-]+$")


def find_demands(task: str) -> list[tuple[str, str]]:
    """Return what an instruction demands of the answer's wording, as (demand, phrase).

    Example:
        >>> find_demands('Write a poem without using the word "rain".')
        [('lacks', 'rain')]
    """
    if _ELSEWHERE.search(task[:_MAX_TASK]):
        return []
    demands = [
        (kind, phrase)
        for kind, rule in _RULES.items()
        for match in rule.finditer(task[:_MAX_TASK])
        for quoted in match.groups()
        if quoted is not None
        for phrase in _split(quoted, kind)
        if phrase.strip()
    ]
    return demands[:_MAX_DEMANDS]


def _split(quoted: str, kind: str) -> list[str]:
    """Return the words of "jealous, school, skip"; a phrase with a comma in it stays whole."""
    parts = quoted.split(",")
    is_list = kind in ("contains", "lacks") and all(len(part.split()) <= 1 for part in parts)
    return parts if is_list else [quoted]


def _meets(answer: str, kind: str, phrase: str) -> bool:
    wanted = _EDGE.sub("", phrase).casefold() or phrase.casefold()
    text = _EDGE.sub("", answer).casefold()
    if kind == "starts":
        return text.startswith(wanted)
    if kind == "ends":
        return text.endswith(wanted)
    # An inflected word may change its last letter: "defied" for "defy".
    stem = wanted[:-1] if wanted.isalpha() and len(wanted) >= _MIN_STEM else wanted
    pattern = re.escape(stem) if len(wanted) == 1 else rf"(?<!\w){re.escape(stem)}"
    found = re.search(pattern, text) is not None
    return found is (kind == "contains")


def asked_phrases(rows: pl.DataFrame) -> pl.Series:
    r"""Measure the share of demanded wordings that the output meets.

    Demands name a quoted phrase: start with it, end with it, use it, do without it. Case and marks
    at the edges do not count; an inflected word ("rains" for "rain") counts as the word.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64 in 0..1; null where nothing quoted is demanded of the whole answer, for code and
        for an empty output.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, keywords, forbidden words,
        start and end. Differs: read from free text, English or German; only quoted phrases.

    Example:
        >>> rows = pl.DataFrame({"instruction": ['Write a poem without using the word "rain".'] * 2,
        ...     "output": ["Rain, rain, go away.", "Water falls."]})
        >>> asked_phrases(rows).to_list()
        [0.0, 1.0]
    """
    tasks, answers = (rows[name].fill_null("") for name in ("instruction", "output"))
    suspects = tasks.str.contains(r"[\"“„']") & tasks.str.contains_any(
        _HINTS, ascii_case_insensitive=True
    )
    codes = rows.select(is_code(pl.col("output"))).to_series()
    scores = [
        _share(task, answer) if suspect and not code else None
        for task, answer, suspect, code in zip(tasks, answers, suspects, codes, strict=True)
    ]
    return pl.Series("asked_phrases", scores, dtype=pl.Float64)


def _share(task: str, answer: str) -> float | None:
    demands = find_demands(task) if answer.strip() else []
    if not demands:
        return None
    return sum(_meets(answer, kind, phrase) for kind, phrase in demands) / len(demands)
