"""How generators that propose tasks spend their budget."""

from pydantic import Field, NonNegativeFloat, PositiveInt

from schemas.recipe.base import Options


class SpendingOptions(Options):
    """Where the next round's jobs go, and when a generator stops before its target."""

    adapt: bool = Field(
        False, description="move jobs to the arms (topics, operators, kinds of tasks) that pay"
    )
    explore: float = Field(0.2, ge=0, le=1, description="share of a round that all arms get evenly")
    memory: float = Field(0.8, gt=0, le=1, description="weight of what an arm brought a round ago")
    min_novelty_per_usd: NonNegativeFloat | None = Field(
        None, description="of accepted rows, each 0 to 1; below it a generator stops; null: never"
    )
    min_novelty_per_1k_tokens: NonNegativeFloat | None = Field(
        None, description="the same for a thousand tokens, where they cost nothing"
    )
    patience: PositiveInt = Field(2, description="rounds over which novelty is averaged")
