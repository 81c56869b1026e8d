"""A title in double angular brackets."""

import re
from collections.abc import Mapping
from typing import Any

_TITLE = re.compile(r"<<[^<>\n]*[^\W_][^<>\n]*>>")


def title(check: Mapping[str, Any], answer: str) -> bool | None:  # noqa: ARG001  no parameters
    """Say whether an answer has a title such as <<Rain>>.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "title".

    Example:
        >>> [title({}, text) for text in ("<<Rain>> It falls.", "<< >>", "Rain")]
        [True, False, False]
    """
    return _TITLE.search(answer) is not None
