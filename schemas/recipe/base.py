"""What all option models share."""

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    StringConstraints,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Share = Annotated[float, Field(gt=0, le=1)]
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
TextColumn = Literal["instruction", "input", "output"]


def check_repository(text: str) -> str:
    """Return the name of a dataset on the Hub.

    Raises:
        ValueError: if the Hub could not know such a name.

    Example:
        >>> check_repository("someone/alpaca-clean")
        'someone/alpaca-clean'
    """
    is_name = len(text) <= 96 and _REPOSITORY.fullmatch(text) is not None
    if not is_name or text.endswith((".git", ".", "-")) or "--" in text or ".." in text:
        msg = "a dataset on the Hub such as owner/name"
        raise ValueError(msg)
    return text


Repository = Annotated[str, AfterValidator(check_repository)]


class Options(BaseModel):
    """Base of all option models: immutable, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Price(Options):
    """Price in US dollars for a million tokens."""

    prompt: NonNegativeFloat
    completion: NonNegativeFloat


class BudgetOptions(Options):
    """Hard limits; null means none."""

    usd: NonNegativeFloat | None = None
    requests: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)


def one_or_more(value: object) -> str:
    """Tag a field that takes one mapping or a list of them."""
    return "several" if isinstance(value, list | tuple) else "one"


def word_or_more(value: object) -> str:
    """Tag a field that takes a word or something listed."""
    return "word" if isinstance(value, str) else "listed"
