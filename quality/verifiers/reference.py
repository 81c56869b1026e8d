"""The check that a reference answer comes to."""

import re
from typing import Any, Final

from quality.verifiers.numerals import find_numerals, write_figures

_BARE: Final = re.compile(r"[-−–]?\d[\d.,'’/\s]*")
_AROUND: Final = " \t\n\"'“”„«».,;:!?()[]"


def reference_check(reference: str, language: str = "en") -> dict[str, Any] | None:
    """Return the check that an answer passes which agrees with a reference.

    A reference that is a number asks for that number, in whatever unit; another one for its words,
    one after another.

    Args:
        reference: right answer, in its shortest form.
        language: ISO 639-1, of reference and answer.

    Returns:
        A check for `quality.verifiers.verify`; null where the reference has no word and no number.

    Example:
        >>> reference_check("12.")
        {'kind': 'number', 'expected': '12', 'any_unit': True, 'language': 'en'}
        >>> reference_check("Bern")
        {'kind': 'contains', 'words': ['Bern']}
    """
    wanted = reference.strip(_AROUND)
    figures = write_figures(reference.strip(), language).rstrip(_AROUND)
    found = find_numerals(figures, language)
    if len(found) == 1 and _BARE.fullmatch(figures):
        value = str(found[0].value)
        return {"kind": "number", "expected": value, "any_unit": True, "language": language}
    return {"kind": "contains", "words": [wanted]} if wanted else None
