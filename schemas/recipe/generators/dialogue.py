"""Options of dialogues that a teacher holds with itself."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.recipe.generators.answers import TargetOptions


class DialogueOptions(TargetOptions):
    """Self-chat: the teacher plays the user and the assistant, each under its own system turn."""

    kind: Literal["dialogue"]
    prompts: str | None = Field(
        None, description="first questions, as for `respond`; null: on the built-in topics"
    )
    license: str | None = Field(None, description="licence of the prompts")
    user_system: str | None = Field(
        None, description="system turn of whoever plays the user; null: a curious person"
    )
    min_turns: int = Field(2, ge=1, le=50, description="questions that a dialogue must have")
    max_turns: int = Field(4, ge=1, le=50, description="questions at which it ends")
    max_words: int = Field(1500, ge=10, description="words of all turns at which it ends")
    max_similarity: float = Field(
        0.7, ge=0, le=1, description="ROUGE-L with an earlier turn from which one says nothing new"
    )

    @model_validator(mode="after")
    def _check_turns(self) -> "DialogueOptions":
        if self.min_turns > self.max_turns:
            msg = f"min_turns of at most max_turns ({self.max_turns}), got {self.min_turns}"
            raise ValueError(msg)
        return self
