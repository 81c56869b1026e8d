"""Options of Alpaca's loop."""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.recipe.generators.answers import TargetOptions


class SelfInstructOptions(TargetOptions):
    """Alpaca's loop: propose new tasks from seeds, gate them, answer each."""

    kind: Literal["self_instruct"]
    seeds: str = Field("builtin", description="`builtin` or a JSONL file of seed tasks")
    categories: tuple[str, ...] | None = Field(None, description="seed categories to show")
    style: Literal["completions", "chat", "topics"] | None = Field(
        None, description="continue a numbered list, ask for JSON, or finish questions on topics"
    )
    examples_per_prompt: PositiveInt | None = Field(None, description="seeds shown in a request")
    proposals_per_request: PositiveInt | None = Field(None, description="new tasks asked for")
