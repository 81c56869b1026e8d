"""Number of words, sentences or paragraphs."""

from collections.abc import Mapping
from typing import Any

from quality.scorers.asked_length import count_units
from quality.verifiers.parameters import BadCheckError, read_count


def words(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether an answer has as many words as allowed.

    Args:
        check: with `min`, `max` or both, inclusive.
        answer: with a visible character.

    Returns:
        Null where it depends on what counts as one word, such as "well-known".

    Raises:
        BadCheckError: if the check has no bound.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "number of words". Differs:
        both bounds, and it abstains where ways to count differ about the verdict.

    Example:
        >>> words({"kind": "words", "max": 2}, "Two words.")
        True
    """
    return _within(check, answer, "word")


def sentences(check: Mapping[str, Any], answer: str) -> bool | None:
    """The same for sentences; a line without a full stop may be one or none."""
    return _within(check, answer, "sentence")


def paragraphs(check: Mapping[str, Any], answer: str) -> bool | None:
    """The same for paragraphs; lines that no blank line parts may be one or several."""
    return _within(check, answer, "paragraph")


def _within(check: Mapping[str, Any], answer: str, unit: str) -> bool | None:
    least, most = read_count(check, "min"), read_count(check, "max")
    if least is None and most is None:
        msg = "expected min or max"
        raise BadCheckError(msg)
    fewest, largest = count_units(answer, unit)
    if (least is not None and largest < least) or (most is not None and fewest > most):
        return False
    is_sure = (least is None or fewest >= least) and (most is None or largest <= most)
    return True if is_sure else None
