"""Sums in the answer that are wrong."""

import math
import re
from decimal import Decimal, InvalidOperation

import polars as pl

_NUMBER = r"-?[$€£]?\d{1,15}(?:,\d{3})*(?:\.\d+)?"
#: Alone on both sides: a link of a chain or a part of an algebraic term says nothing by itself.
_EQUATION = re.compile(
    r"(?<![\w.^+*/×÷·=()%$€£–−-])(?<![-+*x×·/÷–−=^(%] )"
    rf"({_NUMBER}) ?([-+*x×·/÷–−]) ?({_NUMBER}) ?= ?({_NUMBER})"
    r"(?![\d^%/*×÷]|[.,]\d| ?[-+*/×÷^(] ?\d|[a-zA-Z²³√!])"
)
_CANDIDATE = r"\d ?[-+*x×·/÷–−] ?[$€£-]?\d[\d,.]* ?= ?[$€£-]?\d"


def find_wrong_equations(text: str) -> list[str]:
    """Return the plain equations "a op b = c" of a text that do not hold, in order.

    A result rounded to the digits shown holds; integer division does too.

    Example:
        >>> find_wrong_equations("2 + 3 = 5, 2 * 3 = 5, 10 / 3 = 3.33")
        ['2 * 3 = 5']
    """
    return [
        match.group().strip()
        for match in _EQUATION.finditer(text)
        if _holds(*match.groups()) is False
    ]


def _holds(left: str, sign: str, right: str, result: str) -> bool | None:
    try:
        first, second, shown = (_read(part) for part in (left, right, result))
        exact = _compute(first, sign, second)
    except (InvalidOperation, ZeroDivisionError, OverflowError):
        return None
    places = max(0, -int(shown.as_tuple().exponent))
    tolerance = Decimal(10) ** -places
    whole_division = sign in "/÷" and shown == math.floor(exact)
    return abs(exact - shown) < tolerance or whole_division


def _read(number: str) -> Decimal:
    return Decimal(re.sub(r"[$€£,]", "", number))


def _compute(first: Decimal, sign: str, second: Decimal) -> Decimal:
    if sign == "+":
        return first + second
    if sign in "-–−":
        return first - second
    if sign in "/÷":
        return first / second
    return first * second


def arithmetic(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output's plain equations that are wrong.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null where the output has no equation of the form "a op b = c".

    Source:
        The calculator annotations of Cobbe et al. 2021 (GSM8K), https://arxiv.org/abs/2110.14168.
        Differs: finds equations in plain text; chains and algebra are left alone.

    Example:
        >>> arithmetic(pl.DataFrame({"output": ["2 + 2 = 5", "2 + 2 = 4", "four"]})).to_list()
        [1.0, 0.0, None]
    """
    shares: list[float | None] = []
    answers = rows["output"].fill_null("")
    for text, suspect in zip(answers, answers.str.contains(_CANDIDATE), strict=True):
        all_found = len(_EQUATION.findall(text)) if suspect else 0
        shares.append(len(find_wrong_equations(text)) / all_found if all_found else None)
    return pl.Series("arithmetic", shares, dtype=pl.Float64)
