"""Message trees."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, StringConstraints

from schemas.recipe.base import Options

Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Degree = Annotated[float, Field(ge=0, le=1)]


class TreeOptions(Options):
    """What is taken from message trees in the form of Open Assistant, and what is not."""

    take: Literal["threads", "pairs", "prompts"] = Field(
        "threads",
        description="whole conversations; a better and a worse reply to one message, by rank; or "
        "conversations that end with a question, without its answer",
    )
    pairs: Literal["all", "best"] = Field(
        "all", description="each reply against each that is ranked lower; or only the best one"
    )
    max_rank: NonNegativeInt | None = Field(
        None, description="lowest rank of a reply that is gone on with, 0 for the best; null: any"
    )
    min_labels: dict[Label, Degree] = Field(
        default_factory=dict, description="label to the mean that a message must reach"
    )
    max_labels: dict[Label, Degree] = Field(
        default_factory=dict, description="label to the mean that a message must not exceed"
    )
    min_reviews: NonNegativeInt | None = Field(None, description="reviews of a message")
    lang: tuple[str, ...] | None = Field(None, description="languages of messages; null: any")
    unknown: Literal["keep", "drop"] = Field(
        "keep", description="what becomes of a message without such a label, count or language"
    )
    review: bool = Field(True, description="whether messages that failed their review are left out")
    deleted: bool = Field(False, description="whether deleted messages are taken")
    synthetic: bool = Field(True, description="whether messages that a model wrote are taken")
