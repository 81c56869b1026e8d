"""Whether an answer agrees with a reference."""

import re
from typing import Final

from quality.dedup.lexicon import NUMBER_WORDS
from quality.documents.quotes import fold_quote

_NUMBER: Final = re.compile(r"[-−]?\d+(?:[.,]\d+)*")
_FINAL: Final = re.compile(
    r"(?:answer|result|antwort|ergebnis)\s*(?:is|ist|lautet|:|=)+\s*(.+)", re.IGNORECASE
)
_EQUALS: Final = re.compile(r"=\s*([-−]?\d+(?:[.,]\d+)*)")
_BOXED: Final = re.compile(r"\\boxed\{([^{}]*)\}")
_WORD: Final = re.compile(r"[^\W_]+")
_DIGITS: Final = {word: value for word, value in NUMBER_WORDS.items() if value.isdigit()}


def agrees_with(answer: str, reference: str) -> bool | None:
    r"""Tell whether an answer agrees with a reference.

    A reference that is a number agrees with the number that an answer ends in, or says to be its
    result; another one with an answer that holds its words one after another.

    Args:
        answer: any text.
        reference: right answer, in its shortest form.

    Returns:
        Null where the reference has no word and no number, so that nothing can be said.

    Example:
        >>> agrees_with("3 boxes of 4 make 12.", "12"), agrees_with("It is 12, not 13.", "12")
        (True, False)
        >>> agrees_with("The capital is Bern.", "Bern"), agrees_with("Bernard said so.", "Bern")
        (True, False)
    """
    wanted = reference.strip().rstrip(".")
    if _NUMBER.fullmatch(wanted):
        found = _last_number(answer)
        return found is not None and found == _value(wanted)
    words = _WORD.findall(fold_quote(wanted))
    if not words:
        return None
    said = _WORD.findall(fold_quote(answer))
    return any(said[place : place + len(words)] == words for place in range(len(said)))


def _last_number(text: str) -> float | None:
    """Return the number in a box, behind the last "answer is" or "=", or else the last one."""
    text = _WORD.sub(lambda word: _DIGITS.get(word[0].casefold(), word[0]), text)
    marked = _BOXED.findall(text) or _FINAL.findall(text)
    marked = marked or _EQUALS.findall(text)
    for piece in [*marked[-1:], text]:
        numbers = _NUMBER.findall(piece)
        if numbers:
            return _value(numbers[0] if marked and piece == marked[-1] else numbers[-1])
    return None


def _value(number: str) -> float:
    """Read a number with either sign for decimals; three digits behind one are thousands."""
    plain = number.replace("−", "-")
    parts = re.split(r"[.,]", plain)
    if len(parts) == 1:
        return float(plain)
    marks = re.findall(r"[.,]", plain)
    is_decimal = len(parts[-1]) != 3 or (len(set(marks)) == 2) or parts[0].strip("-") == "0"
    if is_decimal and not (len(marks) > 1 and len(set(marks)) == 1):
        return float("".join(parts[:-1]) + "." + parts[-1])
    return float("".join(parts))
