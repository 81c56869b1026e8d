"""Words that an answer must have, or must not."""

import re
from collections.abc import Mapping
from typing import Any

from quality.verifiers.parameters import list_texts


def contains(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether every one of some words or phrases is in an answer, in any case.

    Args:
        check: with `words`. Only whole words count: "cat" is not in "concatenate".
        answer: with a visible character.

    Raises:
        BadCheckError: if the check has no words.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "include keywords". Differs:
        whole words.

    Example:
        >>> contains({"kind": "contains", "words": ["cat"]}, "A Cat, asleep.")
        True
    """
    return all(_has(answer, word) for word in list_texts(check, "words"))


def contains_not(check: Mapping[str, Any], answer: str) -> bool | None:
    """Say whether none of some words or phrases is in an answer; see `contains`."""
    return not any(_has(answer, word) for word in list_texts(check, "words"))


def _has(answer: str, word: str) -> bool:
    spaced = r"\s+".join(re.escape(part) for part in word.split())
    return re.search(rf"(?<!\w){spaced}(?!\w)", answer, re.IGNORECASE) is not None
