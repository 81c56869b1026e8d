"""Exact conversions between units, number bases and Roman numerals."""

import re
from fractions import Fraction
from typing import Final

#: Size of a unit in the base unit of its kind; names in English and German.
_UNITS: Final[dict[str, tuple[str, str]]] = {
    name: (kind, size)
    for kind, sizes in {
        "length": {
            "0.001": "mm millimeter millimeters millimetre millimetres",
            "0.01": "cm centimeter centimeters centimetre centimetres zentimeter",
            "1": "m meter meters metre metres",
            "1000": "km kilometer kilometers kilometre kilometres",
            "0.0254": "inch inches zoll", "0.3048": "foot feet ft fuß", "0.9144": "yard yards",
            "1609.344": "mile miles meile meilen",
        },
        "mass": {
            "0.001": "mg milligram milligrams milligramm", "1": "g gram grams gramm",
            "1000": "kg kilogram kilograms kilogramm", "453.59237": "lb lbs pound pounds",
            "28.349523125": "oz ounce ounces",
        },
        "time": {
            "1": "second seconds sekunde sekunden", "60": "minute minutes minuten",
            "3600": "hour hours stunde stunden", "86400": "day days tag tage tagen tage",
            "604800": "week weeks woche wochen",
        },
        "volume": {"0.001": "ml milliliter milliliters millilitre millilitres",
                   "1": "l liter liters litre litres"},
    }.items()
    for size, names in sizes.items()
    for name in names.split()
}  # fmt: skip
_DEGREES: Final[dict[str, str]] = {
    "celsius": "c", "c": "c", "fahrenheit": "f", "f": "f", "kelvin": "k", "k": "k",
}  # fmt: skip
_UNIT = (
    rf"(?:degrees? |grad |°\s?)?({'|'.join(sorted([*_UNITS, *_DEGREES], key=len, reverse=True))})"
)
_N = r"(-?\d{1,15}(?:,\d{3})*(?:\.\d{1,12})?)"
_CONVERTS = re.compile(
    rf"(?i)^\W*(?:please |bitte )?(?:convert|change|express|rechne|wandle|konvertiere)\s+(?:the "
    rf"(?:temperature|value|number|length|weight|distance) )?(?:of )?{_N}\s*{_UNIT}\s+(?:to|into|"
    rf"in|as) "
    rf"{_UNIT}(?: um)?\s*[.!?:]*\s*$"
)
_ASKS = re.compile(
    rf"(?i)^\W*(?:how many|what is|wie viele)\s+{_UNIT}\s+(?:are |is |sind |ist )?(?:there )?in "
    rf"{_N}\s*{_UNIT}\s*[?.]*\s*$"
)
_SYSTEMS: Final[dict[str, int]] = {
    "binary": 2, "base 2": 2, "binär": 2, "octal": 8, "base 8": 8, "decimal": 10, "base 10": 10,
    "dezimal": 10, "hexadecimal": 16, "base 16": 16, "hexadezimal": 16, "roman": 0, "römisch": 0,
}  # fmt: skip
_SYSTEM = rf"({'|'.join(_SYSTEMS)})"
_CHANGES = re.compile(
    r"(?i)^\W*(?:please |bitte )?(?:convert|change|translate|express|represent|rechne|wandle|"
    rf"konvertiere)\b(.*)\b(?:to|into|in|as|ins)\b(?: an?| its| the| eine| "
    rf"das)?(?:\W+\w+){{0,2}}?\W+{_SYSTEM}[\w-]*"
    r"(?: (?:number|numeral|form|format|notation|representation|equivalent|system|zahl|"
    r"value)s?)*(?: um)?\W*$"
)
_NAMED = re.compile(rf"(?i)\b{_SYSTEM}")
_NUMERAL = re.compile(r"\b(?:0[xb])?(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{1,16}\b|\b[IVXLCDM]+\b")
_ROMAN: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_MAX_ROMAN = 3999


def convert_numeral(task: str, extra: str) -> str | None:
    """Return a whole number in the system that the task asks for, null for any other task.

    Args:
        task: the instruction, on one line.
        extra: its input, which may hold the number.

    Example:
        >>> convert_numeral("Convert 42 into a Roman numeral.", ""), convert_numeral(
        ...     "Convert the binary number 101101 to decimal.", "")
        ('XLII', '45')
    """
    match = _CHANGES.match(task)
    if match is None:
        return None
    before, target = match[1], _SYSTEMS[match[2].lower()]
    bare = _NAMED.sub(" ", before)
    named = [_SYSTEMS[name.lower()] for name in _NAMED.findall(before)]
    numerals = _NUMERAL.findall(extra) if extra else _NUMERAL.findall(bare)
    source = named[0] if named else 10
    if len(numerals) != 1 or len(named) > 1 or source == target or (extra and len(extra) > 40):
        return None
    value = _read(numerals[0], source)
    return None if value is None else _write(value, target)


def _read(numeral: str, base: int) -> int | None:
    if base == 0:
        return _read_roman(numeral)
    try:
        return int(numeral.lower().removeprefix("0x" if base == 16 else "0b"), base)
    except ValueError:
        return None


def _read_roman(numeral: str) -> int | None:
    value, rest = 0, numeral.upper()
    for size, sign in _ROMAN:
        while rest.startswith(sign):
            value, rest = value + size, rest[len(sign) :]
    return value if not rest and _write(value, 0) == numeral.upper() else None


def _write(value: int, base: int) -> str | None:
    if base:
        return f"{value:{ {2: 'b', 8: 'o', 10: 'd', 16: 'X'}[base] }}"
    if not 0 < value <= _MAX_ROMAN:
        return None
    text = ""
    for size, sign in _ROMAN:
        count, value = divmod(value, size)
        text += sign * count
    return text


def convert(task: str, extra: str) -> Fraction | None:
    """Return the number that a conversion asks for, null for any other task.

    Args:
        task: the instruction, on one line.
        extra: its input; a task with one is left alone.

    Example:
        >>> convert("Convert 5 km to meters.", ""), convert("Convert 212 Fahrenheit to Celsius", "")
        (Fraction(5000, 1), Fraction(100, 1))
    """
    if extra:
        return None
    if match := _CONVERTS.match(task):
        number, source, target = match.groups()
    elif match := _ASKS.match(task):
        target, number, source = match.groups()
    else:
        return None
    return _between(Fraction(number.replace(",", "")), source.lower(), target.lower())


def _between(number: Fraction, source: str, target: str) -> Fraction | None:
    if source in _DEGREES and target in _DEGREES:
        return _from_celsius(_to_celsius(number, _DEGREES[source]), _DEGREES[target])
    if source not in _UNITS or target not in _UNITS or _UNITS[source][0] != _UNITS[target][0]:
        return None
    return number * Fraction(_UNITS[source][1]) / Fraction(_UNITS[target][1])


def _to_celsius(number: Fraction, scale: str) -> Fraction:
    if scale == "f":
        return (number - 32) * 5 / 9
    return number - Fraction("273.15") if scale == "k" else number


def _from_celsius(number: Fraction, scale: str) -> Fraction:
    if scale == "f":
        return number * 9 / 5 + 32
    return number + Fraction("273.15") if scale == "k" else number
