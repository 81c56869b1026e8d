"""The language of an answer."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from quality.scorers.language import LANGUAGES, identify
from quality.verifiers.parameters import BadCheckError, find_text


def in_language(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether an answer is in a language.

    Args:
        check: with `code`, ISO 639-1.
        answer: with a visible character.

    Returns:
        Null where the text is too short, mostly code or not plainly of one language.

    Raises:
        BadCheckError: if the check names no language that can be told.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "response language". Differs:
        it abstains; see `quality.scorers.language.identify`.

    Example:
        >>> in_language({"code": "de"}, "Der Hund schläft heute den ganzen Tag.")
        True
    """
    code = find_text(check, "code")
    if code not in LANGUAGES:
        msg = f"code: expected one of {', '.join(LANGUAGES)}, got {code!r}"
        raise BadCheckError(msg)
    found = identify(pl.Series([answer]))[0]
    return None if found is None else found == code
