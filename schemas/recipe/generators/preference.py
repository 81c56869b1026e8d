"""Options of preference pairs."""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.recipe.generators.given import GivenOptions

Aspect = Literal["instruction-following", "honesty", "truthfulness", "helpfulness"]
AnswerStyle = Literal["plain", "brief", "thorough", "careful"]


class PreferenceOptions(GivenOptions):
    """Several answers to a prompt, rated or verified: the best is chosen over the worst."""

    kind: Literal["preference"]
    answers_per_task: int = Field(4, ge=2, le=8, description="answers of which a pair is made")
    temperatures: tuple[float, ...] = Field(
        (0.2, 0.7, 1.0), min_length=1, description="of the answers, in turn"
    )
    styles: tuple[AnswerStyle, ...] = Field(
        ("plain", "brief", "thorough", "careful"),
        min_length=1,
        description="manners of answering, in turn; the system turn that asks for one is not data",
    )
    by: Literal["aspects", "verifier"] = Field(
        "aspects",
        description="what rates them: the teachers, aspect by aspect and then by a comparison, or "
        "the `reference` or check of a prompt: a right answer over a wrong one",
    )
    aspects: tuple[Aspect, ...] = Field(
        ("instruction-following", "honesty", "truthfulness", "helpfulness"),
        min_length=1,
        description="what is rated, 1 to 5, each in a question of its own",
    )
    min_margin: float = Field(
        0.5,
        gt=0,
        le=4,
        description="points by which the best must be ahead of the worst; verified answers are "
        "1 point apart",
    )
    rating_max_tokens: PositiveInt = Field(400, description="limit of one rating, in tokens")
