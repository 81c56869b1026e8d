"""Markers of preference data."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.recipe.base import Options

Marker = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class MarkerOptions(Options):
    """What tells a model which of two answers to learn to give."""

    good: Marker = "Give a helpful answer."
    bad: Marker = "Give an unhelpful answer."
    place: Literal["system", "start", "end"] = Field(
        "system", description="in the system turn, or at the start or end of the last user turn"
    )

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.good == self.bad:
            msg = "two different markers"
            raise ValueError(msg)
        return self
