"""Numbers in figures as people and models write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from quality.dedup.lexicon import NUMBER_WORDS

_SPACES: Final = "\u00a0\u202f\u2009"
_GROUPED = rf"\d{{1,3}}(?:(?P<group>[,.'’ {_SPACES}])\d{{3}})(?:(?P=group)\d{{3}})*"
_NUMBER = re.compile(
    r"(?<![\w^.,])(?P<sign>(?:(?<![\d)])|(?<=\s))[-−–])?(?P<money>[$€£]\s?)?(?P<minus>[-−–])?"
    rf"(?P<digits>{_GROUPED}(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:/(?P<below>[1-9]\d{0,8})(?![\d/]))?(?![\d\w]*\^)"
    r"(?:\s?-?(?P<unit>[%$€£°]|[^\W\d_]+[²³]?(?:/[^\W\d_]+)?))?"
)
_LATEX = (
    (re.compile(r"\\d?frac\{\s*(-?\d+)\s*\}\{\s*(\d+)\s*\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}"), r" \1"),
    (re.compile(r"(?<=\d)\{,\}(?=\d)|\\[,;!:](?=\d)"), ","),
    (re.compile(r"\\([%$€£])"), r"\1"),
    (re.compile(r"\\[()\[\]]|\\[,;!: ]|\*\*|__|`"), " "),
    (re.compile(r"\$(?=[^$\n]*\\|[^$\n]{1,40}\$)|(?<=\d)\$(?=[\s.,;!?)]|$)"), " "),
)
_MOST_DIGITS = 30
_WORD = re.compile(r"[^\W\d_]+")
#: Language to words that are numbers there and nothing else ("elf" and "cent" are English words).
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy "
        "eighty ninety hundred thousand",
        "de": "null zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
        "fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig fünfzig sechzig "
        "siebzig achtzig neunzig hundert tausend",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text.

    Attributes:
        value: as its language writes numbers.
        other: as other languages do, where that is another value: "1,500" may be 1.5.
        unit: the word, percent or currency sign beside it, lower case; "" for none.
        start: position of its first character.
    """

    value: Fraction
    other: Fraction | None
    unit: str
    start: int


def clean_latex(text: str) -> str:
    r"""Return a text with the LaTeX and Markdown around numbers written out.

    Example:
        >>> clean_latex(r"\frac{3}{4}\text{ km}").split()
        ['3/4', 'km']
    """
    for pattern, written in _LATEX:
        text = pattern.sub(written, text)
    return text


def write_figures(text: str, language: str = "en") -> str:
    """Write the number word of a text in figures, where it has one and no figure.

    Two words may be one number ("two hundred"), so they stay as they are.

    Args:
        text: any.
        language: ISO 639-1; English and German have words.

    Example:
        >>> write_figures("A spider has eight legs."), write_figures("two hundred")
        ('A spider has 8 legs.', 'two hundred')
    """
    known = _WORDS.get(language, frozenset())
    found = [match for match in _WORD.finditer(text) if match[0].casefold() in known]
    if len(found) != 1 or any(map(str.isdigit, text)):
        return text
    (match,) = found
    return text[: match.start()] + NUMBER_WORDS[match[0].casefold()] + text[match.end() :]


def find_numerals(text: str, language: str = "en") -> list[Numeral]:
    """Return the numbers of a text, in their order.

    Args:
        text: without LaTeX.
        language: ISO 639-1; German and most others write a comma for the decimal point.

    Example:
        >>> [str(found.value) for found in find_numerals("1,234.5 km, -3 and 1/2")]
        ['2469/2', '-3', '1/2']
        >>> [str(found.value) for found in find_numerals("1.234,5 km", "de")]
        ['2469/2']
    """
    return [
        found
        for match in _NUMBER.finditer(text)
        if len(match["digits"]) <= _MOST_DIGITS and (found := _read(match, language)) is not None
    ]


def _read(match: re.Match[str], language: str) -> Numeral:
    below = int(match["below"] or 1)
    sign = -1 if match["sign"] or match["minus"] else 1
    value, other = _readings(match["digits"], decimal="." if language == "en" else ",")
    unit = (match["unit"] or (match["money"] or "").strip()).lower()
    if match["money"]:
        unit = match["money"].strip()
    return Numeral(
        sign * value / below, None if other is None else sign * other / below, unit, match.start()
    )


def _readings(digits: str, decimal: str) -> tuple[Fraction, Fraction | None]:
    """What digits mean, and what they mean elsewhere."""
    bare = re.sub(rf"['’ {_SPACES}]", "", digits)
    points = [sign for sign in bare if sign in ",."]
    if not points:
        return Fraction(bare), None
    last = points[-1]
    head, _, tail = bare.rpartition(last)
    whole = Fraction(re.sub("[,.]", "", bare))
    broken = Fraction(f"{re.sub('[,.]', '', head)}.{tail}")
    if len(points) > 1:
        # "1,234,567" groups; "1,234.5" groups and breaks.
        return (whole, None) if len(set(points)) == 1 else (broken, None)
    can_group = len(tail) == 3 and 1 <= len(head) <= 3 and head != "0"
    if not can_group:
        return broken, None
    return (broken, whole) if last == decimal else (whole, broken)
