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
    proposal_temperature: float | None = Field(None, ge=0, le=2)
    proposal_max_tokens: PositiveInt | None = Field(None, description="limit of a list of tasks")
    min_task_confidence: float | None = Field(
        None, le=0, description="the same for a proposed task; only where a request proposes one"
    )
    avoid_words: tuple[str, ...] | None = Field(
        None, description="tasks with one of these words are dropped"
    )
