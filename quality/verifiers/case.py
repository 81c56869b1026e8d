"""All small or all capital letters."""

from collections.abc import Mapping
from typing import Any


def lower_case(check: Mapping[str, Any], answer: str) -> bool | None:  # noqa: ARG001  no parameters
    """Say whether an answer has no capital letter; null where it has no letter that has a case.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "all lowercase". Differs: the
        language is not checked along with it.

    Example:
        >>> [lower_case({}, text) for text in ("rain falls.", "Rain falls.", "42")]
        [True, False, None]
    """
    return _same(answer, answer.lower())


def upper_case(check: Mapping[str, Any], answer: str) -> bool | None:  # noqa: ARG001  no parameters
    """Say whether an answer has no small letter; see `lower_case`."""
    return _same(answer.replace("ß", "SS"), answer.upper())


def _same(answer: str, cased: str) -> bool | None:
    has_case = answer.lower() != answer.upper()
    return answer == cased if has_case else None
