"""Lists with more or fewer items than asked for."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words

_NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "zwei": 2, "drei": 3, "vier": 4,
    "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12,
    "fünfzehn": 15, "zwanzig": 20,
}  # fmt: skip
_VERB = (
    r"(?:list|name|give(?: me)?|generate|provide|suggest|write(?: down)?|create|come up with|"
    r"brainstorm|identify|describe|state|propose|think of|make|find|mention|outline|explain|"
    r"nenne|gib(?: mir)?|liste|erstelle|schreibe|schlage|generiere|formuliere|finde|beschreibe|"
    r"zähle)"
)
#: verb, at most two words, the number, at most two adjectives, a thing that comes as list items.
_ASKED = (
    rf"(?i)^\s*(?:please |bitte )?{_VERB}(?: (?:a list of|at least|the|top|mir|eine liste "
    rf"(?:von|mit)))* (\d{{1,2}}|{'|'.join(_NUMBERS)})(?: [\p{{L}}-]+){{0,2}}? "
    r"(?:[\p{L}-]+s|people|children|Ideen|Tipps|Gründe|Beispiele|Fragen|Wörter|Vorteile|Nachteile|"
    r"Möglichkeiten|Arten|Sätze|Fakten|Schritte|Dinge|Länder|Städte|Tiere|Namen|Bücher|Filme|"
    r"Eigenschaften|Merkmale|Punkte|Strategien|Methoden|Titel|Vorschläge|Synonyme|Adjektive)\b"
)
#: Numbers that size one text instead of counting items.
_SIZES = (
    r"(?i)\b(?:to|bis|and|und|or|oder) (?:\d+|two|three|four|five|six|ten|zwei|drei|vier|fünf)\b|"
    r"\b(?:\d{1,2}|\w+)[ -](?:words?|sentences?|lines?|paragraphs?|letters?|characters?|"
    r"syllables?|stanzas?|verses?|minutes?|hours?|days?|weeks?|years?|digits?|pages?|sätzen?|"
    r"wörtern?|zeilen?|"
    r"absätzen?|strophen?|minuten|stunden|tagen?|wochen?|jahren?)\b|\bup to\b|\beach\b|\bjeweils\b|"
    r"\bbis zu\b|\bmore than\b|\bat least\b|\bmindestens\b| or more\b"
)
#: Items of the outermost list only.
_NUMBERED_ITEM = r"(?m)^ {0,2}\(?\d{1,3}[.):]"
_BULLET_ITEM = r"(?m)^ ?[-*•–]\s*\S"
_JOINED = r",\s+(?:(?:and|or|und|oder)\s+)?|\s+(?:and|or|und|oder)\s+"
_MAX_LINE_WORDS = 12
_MAX_JOINED_WORDS = 3


def asked_items(task: pl.Expr) -> pl.Expr:
    """Return how many list items an instruction asks for, null where it names no number."""
    named = task.fill_null("").str.extract(_ASKED, 1).str.to_lowercase()
    number = named.replace(_NUMBERS).cast(pl.Int64, strict=False)
    counts = number.is_between(2, 50) & ~task.fill_null("").str.contains(_SIZES)
    return pl.when(counts).then(number)


def count_items(answer: pl.Expr) -> pl.Expr:
    """Return the items of a list: numbered, else bulleted, else lines, else comma-separated.

    Null where an answer has none of these shapes, so that nothing can be counted.
    """
    words = answer.fill_null("").str.strip_chars()
    numbered = words.str.count_matches(_NUMBERED_ITEM)
    bullets = words.str.count_matches(_BULLET_ITEM)
    lines = words.str.split("\n").list.filter(pl.element().str.contains(r"\S"))
    longest_line = lines.list.eval(count_words(pl.element())).list.max()
    plain = (longest_line <= _MAX_LINE_WORDS) & ~words.str.contains(r":\s*\n")
    items = words.str.replace_all(_JOINED, "\n").str.split("\n")
    longest_item = items.list.eval(count_words(pl.element())).list.max()
    joined = (lines.list.len() == 1) & (longest_item <= _MAX_JOINED_WORDS)
    return (
        pl.when(numbered >= 2).then(numbered)
        .when(bullets >= 2).then(bullets)
        .when((lines.list.len() >= 2) & plain).then(lines.list.len())
        .when((items.list.len() >= 2) & joined).then(items.list.len())
    )  # fmt: skip


def asked_count(rows: pl.DataFrame) -> pl.Series:
    r"""Measure by how many items an answer misses the number that the instruction asks for.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64, |items present - items asked|; null where no number of items is asked for or the
        answer is not in the shape of a list.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "number of bullets". Differs:
        the number is read from free text, and prose answers abstain.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Name three birds.", "Name a bird."],
        ...     "output": ["1. Owl\n2. Wren", "Owl"]})
        >>> asked_count(rows).to_list()
        [1.0, None]
    """
    asked, present = asked_items(pl.col("instruction")), count_items(pl.col("output"))
    return measure(rows, "asked_count", (present.cast(pl.Int64) - asked).abs())
