"""Options of answers for given prompts."""

from typing import Literal

from pydantic import Field

from schemas.recipe.generators.answers import AnswerOptions


class RespondOptions(AnswerOptions):
    """Answers for given prompts."""

    kind: Literal["respond"]
    prompts: str = Field(description="JSONL: {instruction, input} or {prompt} a line")
    license: str | None = Field(None, description="licence of the prompts")
