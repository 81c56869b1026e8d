"""What happens to rows between ingest and publishing."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag

from schemas.recipe.base import BudgetOptions, Name, Options, Share, TextColumn, word_or_more
from schemas.recipe.teacher import Teachers


class LexicalOptions(Options):
    """MinHash candidates, verified by exact Jaccard over shingles."""

    threshold: float = Field(0.7, gt=0, le=1, description="Jaccard similarity")
    columns: tuple[TextColumn, ...] = Field(
        ("instruction", "input"),
        min_length=1,
        description="compared together; the first also alone",
    )
    shingle: PositiveInt = Field(3, description="words in a shingle")
    characters: PositiveInt = Field(
        5, description="characters in a shingle, where a script writes no spaces"
    )
    containment: Share | None = Field(
        None, description="share of a row's shingles in one at most twice as long that suffices"
    )
    mask: tuple[str, ...] = Field(
        (), description='templates that do not count, e.g. "Translate into {language}: {text}"'
    )
    guards: bool = Field(
        True, description="differing numbers, negations, languages, code ... forbid a merge"
    )


class SemanticOptions(Options):
    """Sentence embeddings, verified by exact cosine."""

    threshold: float = Field(0.9, gt=0, le=1, description="cosine similarity")
    columns: tuple[TextColumn, ...] = Field(("instruction", "input"), min_length=1)
    model: str | None = Field(None, description="sentence-transformers model; null: the embedded")
    guards: bool = Field(True, description="as for the lexical method")


class DedupOptions(Options):
    """Which methods run; null turns one off."""

    exact: bool = True
    lexical: LexicalOptions | None = LexicalOptions()
    semantic: SemanticOptions | None = SemanticOptions()
    against: tuple[str, ...] = Field(
        (), description="published versions, or their signature files, whose rows are taken"
    )
    answers: Literal["best", "all"] = Field(
        "best", description="of several answers to one prompt: keep the best, or all that differ"
    )
    alarm_share: Share = Field(
        0.05, description="share of all rows in one group from which it is called out"
    )


class SemanticContaminationOptions(Options):
    """Rephrased benchmark items: cosine of sentence embeddings, then a check on the words."""

    threshold: float = Field(0.8, gt=0, le=1, description="cosine similarity")
    model: str | None = Field(None, description="sentence-transformers model; null: the embedded")


class DecontaminateOptions(Options):
    """Benchmarks whose items must not be in the dataset."""

    against: tuple[str, ...] = Field(description="files, globs or `hf:owner/name`")
    ngram: PositiveInt = Field(8, description="words in an n-gram")
    max_coverage: Share = Field(0.5, description="share of a benchmark item that may be covered")
    semantic: SemanticContaminationOptions | None = Field(
        SemanticContaminationOptions(), description="rephrased items; null: off"
    )


class FilterOptions(Options):
    """One Boolean rule; `column` and `value` default to the rule's own."""

    rule: str
    column: str | None = None
    value: float | int | bool | str | tuple[str, ...] | None = None


class JudgeOptions(Options):
    """A teacher rates rows; the ratings become columns, 1 to 5, null where it failed."""

    teacher: Teachers | None = Field(
        None, description="who judges; a list is a panel: the median counts; null: the teacher"
    )
    dimensions: tuple[Name, ...] = Field(
        ("accuracy", "helpfulness", "clarity"),
        min_length=1,
        description="what is rated; those of `rubrics` and accuracy, helpfulness, clarity, "
        "completeness, harmlessness, instruction-following",
    )
    rubrics: dict[Name, str] = Field(
        default_factory=dict, description="your own dimensions: name to what it asks"
    )
    max_rows: PositiveInt | None = Field(
        None, description="rows rated, a sample over sources, lengths and quality; null: all"
    )
    references: str | None = Field(
        None, description="JSONL with right answers: {instruction, input, reference} a line"
    )
    repeat_share: float = Field(0.05, ge=0, le=1, description="share of the rows rated twice")
    canaries: int = Field(4, ge=0, description="rows of each kind of trap that ride along")
    max_tokens: PositiveInt = Field(400, description="limit of one verdict, in tokens")
    budget: BudgetOptions = Field(default_factory=BudgetOptions, description="hard limits")


class StudentOptions(Options):
    """A small model learns what is good and scores every row: the column `student`, in 0..1."""

    path: str | None = Field(None, description="made by `feingold learn`; null: learn here")
    labels: tuple[str, ...] = Field(
        (),
        description="labelled files: rows with `label` or `rating`, or `chosen` and `rejected`; "
        "without any, the rows that the judge rated",
    )
    ask_back: int = Field(
        0, ge=0, description="rows it is least sure of that the judge rates in a second round"
    )


Quotas = Annotated[
    Annotated[Literal["keep"], Tag("word")] | Annotated[dict[str, Share], Tag("listed")],
    Discriminator(word_or_more),
]


class SelectOptions(Options):
    """How many of the rows that passed are published, and which."""

    max_rows: PositiveInt | None = None
    max_tokens: PositiveInt | None = Field(
        None, description="tokens in all, prompts and answers, counted by the embedded encoder"
    )
    by: str | None = Field(
        None, description="score column, higher is better; null: student, judge or quality"
    )
    method: Literal["best", "diverse", "k_center"] = Field(
        "best",
        description="the highest scores; the highest that are no nearer than `max_similarity`; "
        "or rows far from each other",
    )
    max_similarity: Share = Field(0.9, description="cosine of two rows' prompts, for `diverse`")
    quotas: Quotas | None = Field(
        None, description="category to share of the rows; `keep`: as before selection; null: none"
    )
    per: str = Field("category", description="column of the quotas: category, topic or source")
    unit: Literal["rows", "tokens"] = Field("rows", description="what the quotas are shares of")
    when_short: Literal["fill", "shrink", "repeat"] = Field(
        "fill",
        description="a group with less than its share: others take its place; all give so much "
        "less that the shares hold; or the manifest says how often a training repeats it",
    )
    topics: PositiveInt | None = Field(None, description="clusters of prompts; null: by size")
    twins: bool = Field(True, description="random subsets of equal size beside the selection")

    @property
    def is_mix(self) -> bool:
        """Whether every group of the quotas has a budget of its own."""
        return self.quotas is not None and (self.unit == "tokens" or self.when_short != "fill")


Filters = Annotated[
    Annotated[Literal["auto"], Tag("word")] | Annotated[tuple[FilterOptions, ...], Tag("listed")],
    Discriminator(word_or_more),
]
