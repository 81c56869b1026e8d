"""Options of revised rows."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from schemas.recipe.base import Share
from schemas.recipe.generators.given import GivenRowsOptions


class ReviseOptions(GivenRowsOptions):
    """Weak rows, criticised and answered again; the row before it stays, and the better wins."""

    kind: Literal["revise"]
    score: str = Field(
        "quality",
        pattern=r"^[\w.-]+$",
        description="a scorer, or a numeric field of the records, that says what is weak",
    )
    below: float | None = Field(None, description="rows whose score is lower are weak")
    lowest: Share | None = Field(None, description="share of the rows, those of the lowest score")
    ids: tuple[str, ...] = Field((), description="rows by id")
    critique_max_tokens: PositiveInt = Field(200, description="limit of a critique, in tokens")
    min_length: Share = Field(
        0.5, description="length of a rewritten answer, as a share of the one before"
    )

    @model_validator(mode="after")
    def _names_one_rule(self) -> Self:
        named = [self.below is not None, self.lowest is not None, bool(self.ids)]
        if sum(named) > 1:
            msg = "one of below, lowest and ids"
            raise ValueError(msg)
        return self
