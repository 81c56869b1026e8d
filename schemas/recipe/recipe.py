"""The recipe: every option a user can set, with its default, bounds and unit."""

from typing import Literal

from pydantic import Field

from schemas.recipe.base import BudgetOptions, Name, Options, Share
from schemas.recipe.generators import GeneratorOptions
from schemas.recipe.refining import (
    DecontaminateOptions,
    DedupOptions,
    FilterOptions,
    Filters,
    JudgeOptions,
    SelectOptions,
    StudentOptions,
)
from schemas.recipe.review import ReviewOptions
from schemas.recipe.sources import SourceOptions
from schemas.recipe.spending import SpendingOptions
from schemas.recipe.teacher import TeacherOptions, Teachers
from schemas.recipe.training import TrainingOptions
from schemas.recipe.versions import GateOptions, PublishOptions, RefreshOptions, SplitOptions


class Recipe(Options):
    """Everything a run needs to know; only `name` has no default."""

    name: Name
    description: str = ""
    language: tuple[str, ...] = ("en",)
    license: str | None = Field(None, description="licence of the result; null: from the sources")
    seed: int = 0
    teacher: Teachers = Field(
        default_factory=TeacherOptions,
        description="one, or a list: requests are shared out by weight, and when one fails the "
        "next of the list steps in",
    )
    budget: BudgetOptions = BudgetOptions()
    sources: tuple[SourceOptions, ...] = ()
    generators: tuple[GeneratorOptions, ...] = ()
    spending: SpendingOptions = SpendingOptions()
    runner: Literal["local", "ray"] = Field(
        "local", description="where deduplication runs: this machine, or a Ray cluster"
    )
    dedup: DedupOptions | None = DedupOptions()
    decontaminate: DecontaminateOptions | None = None
    review: ReviewOptions | None = Field(None, description="null: no source is looked at")
    scorers: tuple[str, ...] | None = Field(None, description="null: the default set")
    judge: JudgeOptions | None = None
    student: StudentOptions | None = None
    filters: Filters | None = Field(
        None, description="null: the default set; auto: with thresholds learned from `labels`"
    )
    labels: tuple[str, ...] = Field(
        (), description="labelled files for `filters: auto`, as for `student.labels`"
    )
    min_precision: Share = Field(
        0.9, description="share of the rows that an automatic threshold drops that must be bad"
    )
    on_abstain: Literal["keep", "drop"] = Field(
        "keep", description="what becomes of a row that a rule cannot judge"
    )
    select: SelectOptions = SelectOptions()
    splits: SplitOptions | None = Field(None, description="null: every row is in `train`")
    gate: GateOptions | None = Field(None, description="null: any result is published")
    refresh: RefreshOptions = RefreshOptions()
    publish: PublishOptions = PublishOptions()
    training: TrainingOptions | None = Field(
        None, description="a model whose training `plan` and card do the sums of; null: none"
    )

    @property
    def asks_back(self) -> bool:
        """Whether the judge rates a second round of rows: those that the student doubts."""
        student = self.student
        learns_here = student is not None and student.path is None and not student.labels
        return student is not None and learns_here and student.ask_back > 0

    @property
    def filters_by_rating(self) -> bool:
        """Whether a rule reads what judge or student say."""
        return any((rule.column or "").startswith(("judge", "student")) for rule in self.rules)

    @property
    def rules(self) -> tuple[FilterOptions, ...]:
        """The filters that the recipe lists."""
        return self.filters if isinstance(self.filters, tuple) else ()

    @property
    def teachers(self) -> tuple[TeacherOptions, ...]:
        """The teachers, in the order in which they step in for each other."""
        return (self.teacher,) if isinstance(self.teacher, TeacherOptions) else self.teacher
