"""What generators that ask for answers share."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from schemas.recipe.base import Name, Options


class GeneratorBase(Options):
    """What every generator has."""

    #: Whether its rows are a teacher's words.
    asks_teacher: ClassVar[bool] = True

    kind: str
    name: Name | None = Field(None, description="names its rows' source; null: the kind")

    @property
    def source_name(self) -> str:
        """Source of its rows."""
        return self.name or self.kind


class AnswerOptions(GeneratorBase):
    """How a generator gets its answers; null takes the value of the profile."""

    profile: Literal["auto", "small", "large"] = Field(
        "auto",
        description="settings for what is not named here; auto: small for local "
        "models below a billion parameters",
    )
    system: str | None = Field(
        None, description="system turn under which answers are asked for; not part of the data"
    )
    answers_per_task: PositiveInt | None = Field(None, description="of which the best is kept")
    answer_temperature: float | None = Field(None, ge=0, le=2)
    answer_max_tokens: PositiveInt | None = Field(None, description="limit of one answer")
    min_confidence: float | None = Field(
        None, le=0, description="mean log-probability of its tokens that an answer must reach"
    )
    max_echo: float | None = Field(
        None, ge=0, le=1, description="share of an answer that may be copied from its task"
    )
    min_agreement: float | None = Field(
        None, ge=0, le=1, description="agreement of a task's answers below which it is dropped"
    )


class TargetOptions(AnswerOptions):
    """Those of a generator that makes up tasks until enough rows are accepted."""

    target: PositiveInt = Field(100, description="accepted rows to reach")
    max_rounds: PositiveInt = Field(40, description="rounds after which generation gives up")
    max_dry_rounds: PositiveInt = Field(4, description="rounds without an accepted row, likewise")
    proposal_temperature: float | None = Field(
        None, ge=0, le=2, description="of what it makes up; null: that of the profile, as below"
    )
    proposal_max_tokens: PositiveInt | None = Field(
        None, description="limit of a request's tasks, in tokens"
    )
    min_task_confidence: float | None = Field(
        None, le=0, description="`min_confidence` of a task; only where a request proposes one"
    )
    avoid_words: tuple[str, ...] | None = Field(
        None, description="tasks with one of these words are dropped"
    )
