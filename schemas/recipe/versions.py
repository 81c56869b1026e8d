"""Versions: splits, gate, refresh, publishing."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from schemas.recipe.base import BudgetOptions, Options, Repository, Share


class SplitOptions(Options):
    """Rows published beside `train`; what belongs together stays together."""

    validation: float = Field(0, ge=0, lt=1, description="share of the rows")
    test: float = Field(0, ge=0, lt=1, description="share of the rows")
    similarity: Share | None = Field(
        0.5, description="Jaccard of two prompts from which they stay together; null: equal ones"
    )
    same_instruction: bool = Field(
        True, description="rows with one instruction stay together, whatever their input"
    )
    together: tuple[str, ...] = Field(
        (
            *("document", "document_id", "doc_id"),
            *("tree", "tree_id", "message_tree_id", "conversation_id"),
        ),
        description="columns, or fields of `about` or of a source's records, that name a document "
        "or a tree",
    )

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> Self:
        if self.validation + self.test >= 1:
            msg = "shares of validation and test that leave rows to train, below 1 together"
            raise ValueError(msg)
        return self


class GateOptions(Options):
    """What a new version must not do; a run that breaks it publishes nothing."""

    max_lost: float | None = Field(
        None, ge=0, le=1, description="share of the previous version's rows that may go"
    )
    min_rows: PositiveInt | None = Field(None, description="rows of the version")
    min_mean: dict[str, float] = Field(
        default_factory=dict, description="score column to the mean it must reach"
    )
    max_drop: dict[str, NonNegativeFloat] = Field(
        default_factory=dict, description="score column to how far its mean may fall"
    )
    max_share: dict[str, dict[str, Annotated[float, Field(ge=0, le=1)]]] = Field(
        default_factory=dict, description="column to value to share of the rows, at most"
    )
    max_growth: dict[str, dict[str, NonNegativeFloat]] = Field(
        default_factory=dict, description="column to value to how far its share may grow"
    )
    max_contaminated: int | None = Field(None, ge=0, description="rows that hold a benchmark item")
    benchmarks: tuple[str, ...] = Field(
        (), description="files, globs or `hf:owner/name`; none: those of `decontaminate`"
    )
    show: PositiveInt = Field(5, description="rows shown for a broken rule")


class RefreshOptions(Options):
    """What one `feingold refresh` may add: a night."""

    rows: int | None = Field(
        None,
        ge=0,
        description="fresh rows asked of each generator that proposes its own tasks; null: its "
        "target; 0: only new source rows and prompts",
    )
    budget: BudgetOptions = Field(
        default_factory=BudgetOptions, description="hard limits for one night, within `budget`"
    )


class PublishOptions(Options):
    """Where a finished version is pushed; null: it stays local."""

    to: Repository | None = Field(None, description="`owner/name` on the Hugging Face Hub")
    private: bool = Field(True, description="whether a repository made for it is private")
    rejects: bool = Field(
        False, description="also push the text of dropped and unreadable rows, not only why"
    )
    allow_personal_data: bool = Field(
        False, description="push although addresses, phone, card or account numbers were found"
    )
