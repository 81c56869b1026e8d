"""Options of message trees that a teacher grows."""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.recipe.generators.answers import GeneratorBase


class GrowOptions(GeneratorBase):
    """Message trees: several replies to each message, ranked, and questions that follow."""

    kind: Literal["tree"]
    prompts: str = Field(description="JSONL: {instruction, input} or {prompt} a line, one a tree")
    license: str | None = Field(None, description="licence of the prompts")
    take: Literal["threads", "pairs"] = Field(
        "threads",
        description="rows: whole conversations; or the replies to each message, best and worst",
    )
    children: int = Field(3, ge=1, le=10, description="replies to a message")
    depth: int = Field(3, ge=1, le=20, description="of the last reply below the prompt, at most")
    goal_messages: int = Field(
        12, ge=2, le=500, description="messages of a tree; no question follows that would exceed it"
    )
    rankings: int = Field(
        3,
        ge=0,
        le=20,
        description="of the replies to a message; rounded up, so that each reply stands in each "
        "place equally often",
    )
    profile: Literal["auto", "small", "large"] = Field(
        "auto", description="system turn and limits where none are named; auto: by the teacher"
    )
    system: str | None = Field(
        None, description="system turn under which replies are asked for; not part of the data"
    )
    answer_temperature: float | None = Field(
        0.9, ge=0, le=2, description="of replies and of questions that follow"
    )
    answer_max_tokens: PositiveInt | None = Field(None, description="limit of one message")
    ranking_max_tokens: PositiveInt = Field(400, description="limit of one ranking")
