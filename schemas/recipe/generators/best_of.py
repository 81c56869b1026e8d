"""Options of rejection sampling."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from schemas.recipe.base import Name
from schemas.recipe.generators.given import GivenOptions


class BestOfOptions(GivenOptions):
    """Several answers to a prompt, of which the best is kept if it is good enough."""

    kind: Literal["best_of"]
    answers_per_task: int = Field(4, ge=2, le=64, description="answers of which one is kept")
    by: Literal["judge", "student", "verifier", "confidence"] = Field(
        "judge",
        description="what rates them: the teachers, a model made by `feingold learn`, the "
        "`reference` or check of a prompt, or the log-probability of their tokens",
    )
    student: str | None = Field(None, description="file of the student; for `by: student`")
    dimensions: tuple[Name, ...] = Field(
        ("accuracy", "helpfulness"), min_length=1, description="what a judge rates, 1 to 5"
    )
    min_score: float | None = Field(
        None, description="below it none is kept; null: 3.5 by judge, 0.5 by student, 1 by verifier"
    )
    rating_max_tokens: PositiveInt = Field(400, description="limit of one rating, in tokens")

    @model_validator(mode="after")
    def _names_its_student(self) -> Self:
        if (self.by == "student") != (self.student is not None):
            msg = "a file in `student` where it says `by: student`, and nowhere else"
            raise ValueError(msg)
        return self
