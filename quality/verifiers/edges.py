"""How an answer begins and ends."""

from collections.abc import Mapping
from typing import Any

from quality.verifiers.parameters import find_text

_AROUND = " \t\n\"'“”„«»*_`"


def ends_with(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether an answer ends with a phrase and nothing behind it.

    Args:
        check: with `phrase`; case, quotes and emphasis around it do not matter, nor does a full
            stop that the phrase does not have.
        answer: with a visible character.

    Raises:
        BadCheckError: if the check has no phrase.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "end checker". Differs: a
        full stop more or less is no mistake, and it must end at a word's start.

    Example:
        >>> ends_with({"kind": "ends_with", "phrase": "That is all"}, "Rain. That is all.")
        True
    """
    phrase, text = _bare(find_text(check, "phrase")), _bare(answer)
    before = text[: -len(phrase)] if phrase else text
    return bool(phrase) and text.endswith(phrase) and not before[-1:].isalnum()


def starts_with(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether an answer starts with a phrase, in any case; see `ends_with`."""
    phrase = _bare(find_text(check, "phrase"))
    text = answer.strip(_AROUND).casefold()
    after = text[len(phrase) : len(phrase) + 1]
    return bool(phrase) and text.startswith(phrase) and not after.isalnum()


def _bare(text: str) -> str:
    return text.strip(_AROUND).rstrip("." + _AROUND).casefold()
