"""No comma at all."""

from collections.abc import Mapping
from typing import Any

_COMMAS = frozenset(",，、،")


def no_commas(check: Mapping[str, Any], answer: str) -> bool | None:  # noqa: ARG001  no parameters
    """Say whether an answer has no comma of any script.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "no commas". Differs: commas
        of other scripts count, too.

    Example:
        >>> [no_commas({}, text) for text in ("Rain falls.", "Rain, snow.")]
        [True, False]
    """
    return _COMMAS.isdisjoint(answer)
