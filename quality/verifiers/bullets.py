"""Number of bullet points."""

import re
from collections.abc import Mapping
from typing import Any

from quality.verifiers.parameters import BadCheckError, read_count

_BULLET = re.compile(r"^[ \t]{0,3}[-*•–][ \t]+\S", re.MULTILINE)


def bullets(check: Mapping[str, Any], answer: str) -> bool | None:
    r"""Say whether an answer has exactly as many bullet points as asked for.

    Args:
        check: with `count`.
        answer: with a visible character.

    Raises:
        BadCheckError: if the check has no count.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "number of bullets". Differs:
        points of the outermost list only; `•` and `–` are bullets, too.

    Example:
        >>> bullets({"kind": "bullets", "count": 2}, "- owl\n- wren")
        True
    """
    count = read_count(check, "count")
    if count is None:
        msg = "expected count"
        raise BadCheckError(msg)
    return len(_BULLET.findall(answer)) == count
