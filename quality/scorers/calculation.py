"""Exact values of sums written in figures or words."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

#: Bounds that keep every step cheap, whatever a text asks for.
_MAX_DIGITS, _MAX_EXPONENT, _MAX_FACTORIAL, _MAX_TOKENS = 15, 12, 20, 100

_WORD_SIGNS: Final[dict[str, str]] = {
    "plus": "+", "minus": "-", "times": "*", "multiplied by": "*", "divided by": "/", "over": "/",
    "mal": "*", "multipliziert mit": "*", "geteilt durch": "/", "dividiert durch": "/",
    "to the power of": "^", "hoch": "^",
}  # fmt: skip
_WORDS = re.compile(rf"(?i)\b(?:{'|'.join(sorted(_WORD_SIGNS, key=len, reverse=True))})\b")
_SIGNS: Final = str.maketrans({"×": "*", "·": "*", "÷": "/", "–": "-", "−": "-"})
#: An x is a sign only between two numbers: "3x - 2" is algebra.
_TIMES = re.compile(r"(?<=[\d)])\s*[xX]\s*(?=[\d(])")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\*\*|[-+*/^()])")


class NotASumError(ValueError):
    """The text is no sum, or one too large to compute."""


def compute(text: str) -> Fraction:
    """Return the exact value of a sum.

    Args:
        text: numbers, `+ - * / ^ ( )`, their usual other signs (× · x ÷ **) or their English or
            German words; commas group digits by three.

    Raises:
        NotASumError: if it cannot be read as one sum of at least one sign, divides by zero or is
            too large.

    Example:
        >>> compute("12 x (3 + 4)"), compute("10 divided by 4")
        (Fraction(84, 1), Fraction(5, 2))
    """
    spoken = _WORDS.sub(lambda match: _WORD_SIGNS[match[0].lower()], text)
    spoken = _TIMES.sub("*", spoken.replace("²", "^2").replace("³", "^3")).translate(_SIGNS)
    tokens = _split(re.sub(r"(?<=\d),(?=\d{3}\b)", "", spoken))
    if len(tokens) < 3 or len(tokens) > _MAX_TOKENS:
        raise NotASumError(text)
    value, rest = _sum(tokens, 0)
    if rest != len(tokens):
        raise NotASumError(text)
    return value


def _split(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None or len(match[1]) > _MAX_DIGITS or len(tokens) > _MAX_TOKENS:
            raise NotASumError(text)
        tokens.append("^" if match[1] == "**" else match[1])
        at = match.end()
    return tokens


def _sum(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        right, after = _product(tokens, at + 1)
        value, at = (value + right if tokens[at] == "+" else value - right), after
    return value, at


def _product(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _power(tokens, at)
    while at < len(tokens) and tokens[at] in "*/":
        right, after = _power(tokens, at + 1)
        if tokens[at] == "/" and right == 0:
            raise NotASumError(tokens)
        value, at = (value * right if tokens[at] == "*" else value / right), after
    return value, at


def _power(tokens: list[str], at: int) -> tuple[Fraction, int]:
    value, at = _atom(tokens, at)
    if at < len(tokens) and tokens[at] == "^":
        exponent, at = _atom(tokens, at + 1)
        if exponent.denominator != 1 or not 0 <= exponent <= _MAX_EXPONENT:
            raise NotASumError(tokens)
        value **= int(exponent)
    return value, at


def _atom(tokens: list[str], at: int) -> tuple[Fraction, int]:
    if at >= len(tokens):
        raise NotASumError(tokens)
    if tokens[at] == "-":
        value, after = _atom(tokens, at + 1)
        return -value, after
    if tokens[at] == "(":
        value, after = _sum(tokens, at + 1)
        if after >= len(tokens) or tokens[after] != ")":
            raise NotASumError(tokens)
        return value, after + 1
    if not tokens[at][0].isdigit():
        raise NotASumError(tokens)
    return Fraction(tokens[at]), at + 1


def _total(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction())


def _product_of(values: list[Fraction]) -> Fraction:
    return math.prod(values, start=Fraction(1))


def _largest(values: list[Fraction]) -> Fraction:
    return max(values)


def _smallest(values: list[Fraction]) -> Fraction:
    return min(values)


def _mean(values: list[Fraction]) -> Fraction:
    return _total(values) / len(values)


def _median(values: list[Fraction]) -> Fraction:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _mode(values: list[Fraction]) -> Fraction:
    counts = {value: values.count(value) for value in values}
    most = [value for value, count in counts.items() if count == max(counts.values())]
    if len(most) != 1:
        raise NotASumError(values)
    return most[0]


#: What can be asked about a list of numbers.
STATISTICS: Final[dict[str, Callable[[list[Fraction]], Fraction]]] = {
    "sum": _total,
    "total": _total,
    "summe": _total,
    "product": _product_of,
    "produkt": _product_of,
    "average": _mean,
    "mean": _mean,
    "durchschnitt": _mean,
    "mittelwert": _mean,
    "median": _median,
    "mode": _mode,
    "modus": _mode,
    "largest": _largest,
    "greatest": _largest,
    "highest": _largest,
    "biggest": _largest,
    "maximum": _largest,
    "größte": _largest,
    "höchste": _largest,
    "smallest": _smallest,
    "lowest": _smallest,
    "minimum": _smallest,
    "kleinste": _smallest,
    "niedrigste": _smallest,
}


def factorial(number: Fraction) -> Fraction:
    """Return the factorial of a whole number from 0 to 20.

    Raises:
        NotASumError: for any other number.
    """
    if number.denominator != 1 or not 0 <= number <= _MAX_FACTORIAL:
        raise NotASumError(number)
    return Fraction(math.factorial(int(number)))
