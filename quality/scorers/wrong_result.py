"""Plain questions of arithmetic whose answer is another number."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import polars as pl

from quality.scorers.calculation import STATISTICS, NotASumError, compute, factorial
from quality.scorers.conversion import convert, convert_numeral
from quality.words import is_code

_N = r"(-?\d{1,15}(?:,\d{3})*(?:\.\d{1,12})?)"
_ASK = (
    r"^\W*(?:please |bitte )?(?:what(?:['’]s| is| are| would be)|calculate|compute|evaluate|"
    r"find|determine|solve|work out|give(?: me)?|how much is|was (?:ist|sind|ergibt)|wie viel "
    r"(?:ist|sind)|berechne|bestimme|ermittle|finde|löse|rechne)\s+(?:the |out |die |der |den |"
    r"das )?"
    r"(?:following |folgende[nrs]? )?"
)
_END = r"\s*[?.!:]*\s*$"
_NOUN = (
    r"(?:(?:value|result|answer|product|sum|difference|quotient|expression|equation|calculation|"
    r"problem|wert|ergebnis|ausdruck|aufgabe|rechnung)\b\s*(?:of|to|von|des)?\s*(?:the |this )?"
    r"(?:expression|equation|problem|calculation|following)?\s*:?\s*)?"
)
_EXPRESSION = re.compile(
    rf"(?i){_ASK}{_NOUN}((?:[\d\s.,()+*/^×·÷–−²³x-]|plus|minus|times|multiplied by|divided by|over|"
    rf"to the power of|mal|geteilt durch|multipliziert mit|dividiert durch|"
    rf"hoch)+?)(?:\s*=\s*\??)?{_END}"
)
_COMPUTES = re.compile(
    rf"(?i){_ASK}[^.?!]{{0,40}}\b(?:expression|equation|calculation|result|sum|problem|product|"
    r"difference|quotient|value|numbers?|ausdruck|rechnung|gleichung|aufgabe|ergebnis|zahlen|summe)\b"
)
_PERCENT = re.compile(
    rf"(?i){_ASK}{_N} ?(?:%|percent|per cent|prozent) (?:of|von) (?:the (?:number|value) )?[$€£]?"
    rf"{_N}(?: ?[$€£])?{_END}"
)
_ROOT = re.compile(
    rf"(?i){_ASK}(?:square root|quadratwurzel|wurzel) (?:of|von|aus) (?:the number )?{_N}{_END}"
)
_SQUARE = re.compile(rf"(?i){_ASK}(square|cube|quadrat) (?:of|von) (?:the number )?{_N}{_END}")
_FACTORIAL = re.compile(rf"(?i){_ASK}(?:factorial|fakultät) (?:of|von) (?:the number )?{_N}{_END}")
_STATISTIC = re.compile(
    rf"(?i){_ASK}(?:arithmetic )?({'|'.join(STATISTICS)})(?: (?:number|value|zahl|wert))?"
    r"(?: (?:of|from|in|among|between|for|von|der|aus|in))?(?: (?:the|this|these|all|a|given|"
    r"following|"
    r"numbers?|list|set|array|data|values?|sequence|series|dataset|below|integers?|of|in|from|der|"
    r"den|die|dieser?|folgenden?|zahlen|liste|menge|werte?|reihe))*\s*:?\s*"
    r"[\[({]?\s*([-\d.,;\s]*?(?:(?:and|und|&)\s+-?[\d.]+)?)\s*[\])}]?\s*[?.!:]*\s*$"
)
_LABEL = re.compile(r"^\W*(?:[A-Za-z ]{1,20}[:=])?\s*")
_GIVEN = re.compile(
    r"^[\[({]?\s*-?\d+(?:\.\d+)?(?:(?:\s*[,;]\s*|\s+)(?:and |und )?-?\d+(?:\.\d+)?)+\s*[\])}]?\.?$"
)
_VALUE = re.compile(r"-?\d+(?:\.\d+)?")
_SHOWN = re.compile(r"(?<![\w.])[-−–]?[$€£]?\d+(?:,\d+)*(?:\.\d+)?(?:/\d+(?![\d/]))?")
_NUMERAL = re.compile(r"\b(?:0[xXbB])?([0-9A-Fa-f]*\d[0-9A-Fa-f]*|[A-F]+|[IVXLCDM]+)\b")
_QUOTED_FACTOR = Fraction(1, 200)
_MINUS = str.maketrans("−–", "--")
_MAX_TASK, _MAX_VALUES, _MAX_SHOWN = 200, 100, 40


@dataclass(frozen=True, slots=True)
class Expected:
    """The number that an answer should show.

    Attributes:
        value: the exact number, or a numeral of another system than the decimal.
        slack: relative error that is no mistake: conversion factors are quoted rounded.
    """

    value: Fraction | str
    slack: Fraction = Fraction()


def expected_result(instruction: str, given: str = "") -> Expected | None:
    """Return the number that a plain question of arithmetic asks for, null for any other task.

    Example:
        >>> expected_result("Find the average.", "2, 3, 7")
        Expected(value=Fraction(4, 1), slack=Fraction(0, 1))
    """
    if len(instruction) > _MAX_TASK or len(given) > 4 * _MAX_TASK:
        return None
    task = " ".join(instruction.split())
    extra = _LABEL.sub("", " ".join(given.split()), count=1) if given.strip() else ""
    for form in _FORMS:
        try:
            value = form(task, extra)
        except NotASumError:
            continue
        if value is not None:
            return Expected(value, _QUOTED_FACTOR if form is convert else Fraction())
    return None


def _read(number: str) -> Fraction:
    return Fraction(number.replace(",", ""))


def _expression(task: str, extra: str) -> Fraction | None:
    if extra and (re.search(r"\d", task) or not _COMPUTES.match(task)):
        return None
    match = _EXPRESSION.match(f"What is {extra}" if extra else task)
    return compute(match[1]) if match else None


def _percent(task: str, extra: str) -> Fraction | None:
    match = None if extra else _PERCENT.match(task)
    return _read(match[1]) * _read(match[2]) / 100 if match else None


def _function(task: str, extra: str) -> Fraction | None:
    if extra:
        return None
    if match := _ROOT.match(task):
        root = math.isqrt(int(max(_read(match[1]), Fraction())))
        return Fraction(root) if root * root == _read(match[1]) else None
    if match := _SQUARE.match(task):
        return _read(match[2]) ** (3 if match[1].lower() == "cube" else 2)
    match = _FACTORIAL.match(task)
    return factorial(_read(match[1])) if match else None


def _statistic(task: str, extra: str) -> Fraction | None:
    match = _STATISTIC.match(task)
    if match is None:
        return None
    listed, there = match[2].strip(), _GIVEN.match(extra)
    if bool(listed) == bool(extra) or (extra and not there):
        return None
    values = [Fraction(value) for value in _VALUE.findall(extra or listed)]
    # "1,234" is one number or two: which one cannot be told.
    unsure = re.search(r"\d,\d{3}(?!\d)", extra or listed)
    if not 2 <= len(values) <= _MAX_VALUES or unsure:
        return None
    return STATISTICS[match[1].lower()](values)


_FORMS: Final[Sequence[Callable[[str, str], Fraction | str | None]]] = (
    _expression, _percent, _function, _statistic, convert, convert_numeral,
)  # fmt: skip


def shows(answer: str, expected: Expected) -> bool | None:
    """Say whether a text shows a number, exactly or rounded to the digits it shows.

    Null where it shows no number in figures at all.
    """
    if isinstance(expected.value, str):
        found = {numeral.upper() for numeral in _NUMERAL.findall(answer)}
        return expected.value in found if found else None
    shown = _SHOWN.findall(answer)
    if not shown:
        return None
    readings = {reading for number in shown for reading in _read_shown(number)}
    return any(_rounds_to(reading, expected.value, expected.slack) for reading in readings)


def _read_shown(shown: str) -> set[str]:
    """Return what a number may mean: "46,75" is German for 46.75, "4,8,20" a list."""
    digits = re.sub(r"[$€£\s]", "", shown).translate(_MINUS)
    readings = {digits, digits.replace(",", ""), digits.replace(",", ".", 1), *digits.split(",")}
    plain = {reading for reading in readings if "," not in reading}
    return {reading for reading in plain if len(reading) <= _MAX_SHOWN and reading.count(".") <= 1}


def _rounds_to(digits: str, value: Fraction, slack: Fraction) -> bool:
    places = len(digits.partition(".")[2])
    gap = abs(abs(Fraction(digits)) - abs(value))
    if value.denominator == 1 and places == 0 and not slack:
        return gap == 0
    # Cut off or rounded, but no coarser than a twentieth; floats end after sixteen digits.
    allowed = Fraction(1, 2) if places == 0 else Fraction(1, 10**places)
    close = min(allowed, abs(value) / 20)
    return gap <= max(close, slack * abs(value), abs(value) / 10**12)


def wrong_result(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output misses the number that a plain question of arithmetic asks for.

    Read are one sum in figures or words, percent of a number, squares, roots, factorials, the sum,
    mean, median, mode or extreme of a listed set, and conversions of units, bases and Roman
    numerals, where they are the whole task. The right number anywhere in the output counts.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 1.0 the right number is not there, 0.0 it is; null for any other task, for
        code and for outputs without figures.

    Source:
        Cobbe et al. 2021 (GSM8K), https://arxiv.org/abs/2110.14168, scores the final number.
        Differs: computes it from the question, so only questions that are one sum; any place.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["What is 12 * 7?"] * 3, "input": "",
        ...     "output": ["12 * 7 = 84", "It is 82.", "eighty-four"]})
        >>> wrong_result(rows).to_list()
        [0.0, 1.0, None]
    """
    suspects = rows.select(
        pl.concat_str(["instruction", "input"], separator=" ", ignore_nulls=True).str.contains(
            rf"(?i){_ASK}|\b(?:to|in|into|as) |convert|rechne|wandle"
        )
        & pl.concat_str(["instruction", "input"], separator=" ", ignore_nulls=True).str.contains(
            r"\d|[IVXLCDM]{2}"
        )
    ).to_series()
    columns = (rows[name].fill_null("") for name in ("instruction", "input", "output"))
    suspects &= ~rows.select(is_code(pl.col("output"))).to_series()
    scores = [
        _rate(task, given, answer) if suspect else None
        for task, given, answer, suspect in zip(*columns, suspects, strict=True)
    ]
    return pl.Series("wrong_result", scores, dtype=pl.Float64)


def _rate(task: str, given: str, answer: str) -> float | None:
    expected = expected_result(task, given)
    right = None if expected is None else shows(answer, expected)
    return None if right is None else float(not right)
