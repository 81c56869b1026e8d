"""Existing data."""

from typing import Literal

from pydantic import Field

from schemas.recipe.base import Options, Share
from schemas.recipe.conversations import ConversationOptions
from schemas.recipe.markers import MarkerOptions
from schemas.recipe.trees import TreeOptions


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
    conversations: ConversationOptions | None = Field(
        None, description="cleaning of saved chats; null: rows stay as they came"
    )
    trees: TreeOptions | None = Field(
        None, description="null: threads of the best replies, the last in rank as the rejected one"
    )
    unique: Literal["query", "first_exchange"] | None = Field(
        None, description="of conversations that begin with the same one, the longest stays"
    )
    preferences: Literal["pairs", "marked"] = Field(
        "pairs", description="marked: a pair becomes two rows, each under the marker of its answer"
    )
    markers: MarkerOptions = Field(MarkerOptions(), description="for `preferences: marked`")
