"""The number that a task asks for."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from quality.verifiers.numerals import Numeral, clean_latex, find_numerals, write_figures
from quality.verifiers.parameters import list_texts, read_count, read_flag, read_value

_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_MARKER = re.compile(
    r"(?:####|\b(?:final answer|answer|result|total|antwort|ergebnis|lösung)\b"
    r"(?:\s+(?:is|are|ist|lautet|beträgt))?\s*[:=]?|\b(?:is|are|equals|makes|gives|costs|ist|sind|"
    r"ergibt|beträgt|kostet|kosten)\b|=)",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"=\s*\Z")
_SENTENCE = re.compile(r"\n+|(?<=[.!?])\s+")
_UNSURE = re.compile(r"\b(?:not|isn['’]t|nicht|kein\w*|between|zwischen|or|oder)\b", re.IGNORECASE)
#: Units whose presence beside a number makes it another quantity.
_UNITS: Final[Mapping[str, str]] = {
    form: name
    for name, forms in {
        "%": "% percent prozent", "$": "$ dollar dollars usd", "€": "€ euro euros eur",
        "£": "£ pound pounds gbp", "ct": "ct cent cents", "mm": "mm millimetres millimeters "
        "millimetre millimeter", "cm": "cm centimetres centimeters centimetre "
        "centimeter zentimeter",
        "m": "m metres meters metre meter", "km": "km kilometres kilometers kilometre kilometer",
        "g": "g grams gram gramm grammes", "kg": "kg kilograms kilogram kilogramm kilos kilo",
        "ml": "ml millilitres milliliters milliliter "
        "millilitre", "l": "l litres liters litre liter",
        "s": "s sec seconds second sekunden sekunde", "min": "min mins minutes minute minuten",
        "h": "h hr hrs hours hour stunden stunde", "d": "days day tage tagen tag",
        "w": "weeks week wochen woche", "km/h": "km/h kmh kph", "cm²": "cm²", "m²": "m²",
    }.items()
    for form in forms.split()
}  # fmt: skip
_LONGEST = 4_000
#: Words between what announces a result and the number; farther off, among other numbers of the
#: answer, it may be any number.
_NEAR = 4
_DOUBT = "or"  # read as unsure


def number(check: Mapping[str, Any], answer: str) -> bool | None:
    r"""Say whether the final number of an answer is the right one.

    The final number is that in `\boxed{}`, else the one behind the last word or sign that
    announces a result, in the last sentence that has a number.

    Args:
        check: with `expected` (`12`, `-3.5` or `7/3`); `places`, decimal places to which it may be
            rounded, left out: exact; `units`, the spellings of its unit, or `any_unit`, true where
            nobody said which; `language`, ISO 639-1, which says what "1,500" means.
        answer: with a visible character.

    Returns:
        Null where it shows no number, several that could be meant, the right number behind an
        equals sign and another one later, the right number beside another unit, or one that is
        right only as another language writes numbers.

    Raises:
        BadCheckError: if `expected` is no number.

    Source:
        Cobbe et al. 2021 (GSM8K), https://arxiv.org/abs/2110.14168, compares the last number.
        Differs: exact fractions, units, three verdicts.

    Example:
        >>> check = {"expected": "36", "units": ["euros"]}
        >>> number(check, "12 * 3 = 36, so 12 apples cost 36 euros.")
        True
        >>> number(check, "It is 36 or 38.") is None
        True
    """
    expected, places = read_value(check, "expected"), read_count(check, "places")
    language = str(check.get("language") or "en")
    units = {form.lower() for form in list_texts(check, "units")} if check.get("units") else set()
    slack = Fraction(1, 2 * 10 ** min(places, 12)) if places is not None else Fraction()
    part, found = _final(write_figures(answer[-_LONGEST:], language), language, units)
    if not found:
        return None
    if not read_flag(check, "any_unit") and any(_is_other_unit(item.unit, units) for item in found):
        return None
    is_one = len({numeral.value for numeral in found}) == 1
    if is_one and abs(found[0].value - expected) <= slack:
        return None if _UNSURE.search(part) else True
    # "12 * 3 = 36 eggs are in 3 boxes": which of both is the result, nobody can tell.
    earlier = [item for item in find_numerals(part, language) if _EQUALS.search(part[: item.start])]
    return None if _any_is([*found, *earlier], expected, slack) else False


def _final(text: str, language: str, units: set[str]) -> tuple[str, Sequence[Numeral]]:
    """Return the piece of an answer that says the result, and the numbers that could be it."""
    boxed = _BOXED.findall(text)
    if boxed:
        pieces = [clean_latex(piece) for piece in boxed]
        return "", [item for piece in pieces for item in find_numerals(piece, language)]
    for sentence in reversed(_SENTENCE.split(clean_latex(text))):
        found = find_numerals(sentence, language)
        if found:
            marks = [mark.end() for mark in _MARKER.finditer(sentence)]
            start = max((end for end in marks if end <= found[-1].start), default=0)
            gap = len(sentence[start : found[-1].start].split())
            if gap > _NEAR and len(find_numerals(clean_latex(text), language)) > len(found):
                return _DOUBT, _with_unit(found, units)
            return sentence, _with_unit([item for item in found if item.start >= start], units)
    return "", []


def _with_unit(found: Sequence[Numeral], units: set[str]) -> Sequence[Numeral]:
    named = [item for item in found if item.unit in units]
    return named or found


def _is_other_unit(unit: str, units: set[str]) -> bool:
    known = {_UNITS.get(form, form) for form in units}
    return unit in _UNITS and _UNITS[unit] not in known


def _any_is(found: Sequence[Numeral], expected: Fraction, slack: Fraction) -> bool:
    readings = [value for item in found for value in (item.value, item.other) if value is not None]
    return any(abs(value - expected) <= slack for value in readings)
