"""Sums and word problems whose result is known exactly."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from flows.generators.verifiable.draws import Draw
from flows.generators.verifiable.sum_words import WORDS

_NAMES: Final = ("Mia", "Omar", "Lena", "Jonas", "Aiko", "Paul", "Nora", "Ivan", "Sara", "Luis")
_GOODS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("apples", "notebooks", "candles", "lemons", "pencils", "tickets", "mugs", "bulbs"),
    "de": ("Äpfel", "Hefte", "Kerzen", "Zitronen", "Stifte", "Karten", "Becher", "Glühbirnen"),
}
_EURO: Final = ("€", "euro", "euros", "eur")
_UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "euro": _EURO,
    "minute": ("min", "mins", "minute", "minutes", "minuten"),
    "second": ("s", "sec", "seconds", "second", "sekunden"),
    "hour": ("h", "hrs", "hours", "hour", "stunden"),
    "day": ("days", "day", "tage", "tagen"),
    "km": ("km", "kilometres", "kilometers", "kilometer"),
    "m": ("m", "metres", "meters", "meter"),
    "cm": ("cm", "centimetres", "centimeters", "zentimeter"),
    "g": ("g", "grams", "gram", "gramm"),
    "ml": ("ml", "millilitres", "milliliters", "milliliter"),
    "m²": ("m²", "square", "quadratmeter"),
}


Value: TypeAlias = Fraction | int | str


class Sum(NamedTuple):
    """A sum before it is put into words.

    Attributes:
        form: which of its kind's words fit.
        values: what the words mention.
        result: exact.
        unit: of the result, "" for none.
    """

    form: str
    values: Mapping[str, Value]
    result: Fraction
    unit: str = ""


def _plain(draw: Draw) -> Sum:
    form = draw.one_of(("plus", "minus", "times", "mixed"))
    a, b, c = draw.between(12, 99), draw.between(2, 60), draw.between(2, 12)
    results = {"plus": a + b, "minus": a + b - b, "times": a * c, "mixed": a + b * c}
    if form == "minus":
        return Sum(form, {"a": a + b, "b": b}, Fraction(a))
    return Sum(form, {"a": a, "b": b, "c": c}, Fraction(results[form]))


def _percent(draw: Draw) -> Sum:
    form = draw.one_of(("share", "cheaper", "dearer"))
    percent, whole = 5 * draw.between(1, 12), 20 * draw.between(2, 30)
    part = Fraction(percent * whole, 100)
    results = {"share": part, "cheaper": whole - part, "dearer": whole + part}
    unit = "" if form == "share" else "euro"
    return Sum(form, {"percent": percent, "whole": whole}, results[form], unit)


def _shopping(draw: Draw) -> Sum:
    form = draw.one_of(("cost", "change"))
    number, price = draw.between(2, 9), Fraction(5 * draw.between(3, 60), 100)
    cost = number * price
    paid = next(note for note in (10, 20, 50, 100) if note >= cost)
    result = cost if form == "cost" else paid - cost
    values: dict[str, Value] = {
        "number": number,
        "price": price,
        "paid": paid,
        "name": draw.one_of(_NAMES),
    }
    return Sum(form, values | {"goods": str(draw.below(8))}, result, "euro")


def _time(draw: Draw) -> Sum:
    form = draw.one_of(("film", "walks"))
    hours, minutes, days = draw.between(1, 4), 5 * draw.between(1, 11), draw.between(2, 7)
    result = 60 * hours + minutes if form == "film" else minutes * days
    values: dict[str, Value] = {
        "hours": hours,
        "minutes": minutes,
        "days": days,
        "name": draw.one_of(_NAMES),
    }
    return Sum(form, values, Fraction(result), "minute")


_CONVERSIONS: Final = {
    "km-m": (1000, "m"), "m-cm": (100, "cm"), "kg-g": (1000, "g"), "l-ml": (1000, "ml"),
    "h-min": (60, "minute"), "min-s": (60, "second"), "d-h": (24, "hour"), "w-d": (7, "day"),
}  # fmt: skip


def _units(draw: Draw) -> Sum:
    form = draw.one_of(sorted(_CONVERSIONS))
    factor, unit = _CONVERSIONS[form]
    number = draw.between(2, 30)
    return Sum(form, {"number": number}, Fraction(number * factor), unit)


def _speed(draw: Draw) -> Sum:
    form = draw.one_of(("distance", "duration"))
    speed, hours = 10 * draw.between(2, 12), draw.between(2, 8)
    values = {"speed": speed, "hours": hours, "distance": speed * hours}
    if form == "distance":
        return Sum(form, values, Fraction(speed * hours), "km")
    return Sum(form, values, Fraction(hours), "hour")


def _sharing(draw: Draw) -> Sum:
    form = draw.one_of(("each", "left"))
    children, each, left = draw.between(3, 9), draw.between(2, 15), draw.between(1, 2)
    whole = children * each + (left if form == "left" else 0)
    values: dict[str, Value] = {"whole": whole, "children": children, "goods": str(draw.below(8))}
    return Sum(form, values, Fraction(left if form == "left" else each))


def _average(draw: Draw) -> Sum:
    middle, step, other = draw.between(10, 60), draw.between(1, 9), draw.between(1, 6)
    values = (middle - step, middle + step + other, middle - other)
    a, b, c = values
    return Sum("three", {"a": a, "b": b, "c": c}, Fraction(sum(values), 3))


def _area(draw: Draw) -> Sum:
    form = draw.one_of(("area", "fence"))
    long, wide = draw.between(5, 30), draw.between(2, 12)
    result = long * wide if form == "area" else 2 * (long + wide)
    unit = "m²" if form == "area" else "m"
    return Sum(form, {"long": long, "wide": wide}, Fraction(result), unit)


#: Kind to what makes its sums.
SUMS: Final[Mapping[str, Callable[[Draw], Sum]]] = MappingProxyType(
    {
        "plain": _plain,
        "percent": _percent,
        "shopping": _shopping,
        "time": _time,
        "units": _units,
        "speed": _speed,
        "sharing": _sharing,
        "average": _average,
        "area": _area,
    }
)


def make_sum(draw: Draw, kind: str, language: str) -> tuple[str, dict[str, Any]]:
    """Return a task of arithmetic and its check.

    Args:
        draw: chance.
        kind: one of SUMS.
        language: en or de.
    """
    made = SUMS[kind](draw)
    words = draw.one_of(WORDS[kind][made.form][language])
    shown = {name: _show(name, value, language) for name, value in made.values.items()}
    check: dict[str, Any] = {
        "kind": "number",
        "expected": _exact(made.result),
        "language": language,
    }
    if made.unit:
        check["units"] = list(_UNITS[made.unit])
    return words.format(**shown), check


def _show(name: str, value: Value, language: str) -> str:
    if name == "goods":
        return _GOODS[language][int(value)]
    if isinstance(value, Fraction):
        price = f"{float(value):.2f}"
        return price if language == "en" else price.replace(".", ",")
    return str(value)


def _exact(value: Fraction) -> str:
    """Write a number as its decimals where they end within two places, else as a fraction."""
    cents = value * 100
    if value.denominator == 1 or cents.denominator != 1:
        return str(value)
    return f"{cents.numerator // 100}.{cents.numerator % 100:02d}"
