"""Existing data."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas.recipe.base import Options, Share

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


class SourceOptions(Options):
    """Existing data: a path or glob relative to the recipe, or `hf:owner/name`."""

    path: str
    format: Literal[
        "auto",
        "alpaca",
        "sharegpt",
        "messages",
        "prompt_completion",
        "preference",
        "kto",
        "oasst",
    ] = "auto"
    license: str | None = Field(None, description="SPDX id; required to publish to the Hub")
    share: Share | None = Field(None, description="share of its rows that is used")
    unique: Literal["query"] | None = Field(
        None, description="query: of conversations that begin with the same one, the longest stays"
    )
    preferences: Literal["pairs", "marked"] = Field(
        "pairs", description="marked: a pair becomes two rows, each under the marker of its answer"
    )
    markers: MarkerOptions = Field(MarkerOptions(), description="for `preferences: marked`")
