"""The recipe: every option a user can set, with its default, bounds and unit.

`parse_recipe` turns a YAML mapping into a `Recipe` or into one `InputError` line that names the
path of the wrong field and the nearest valid name.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    PositiveInt,
    StringConstraints,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.errors import InputError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Share = Annotated[float, Field(gt=0, le=1)]
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
TextColumn = Literal["instruction", "input", "output"]


def check_repository(text: str) -> str:
    """Return the name of a dataset on the Hub.

    Raises:
        ValueError: if the Hub could not know such a name.

    Example:
        >>> check_repository("someone/alpaca-clean")
        'someone/alpaca-clean'
    """
    is_name = len(text) <= 96 and _REPOSITORY.fullmatch(text) is not None
    if not is_name or text.endswith((".git", ".", "-")) or "--" in text or ".." in text:
        msg = "a dataset on the Hub such as owner/name"
        raise ValueError(msg)
    return text


Repository = Annotated[str, AfterValidator(check_repository)]


class Options(BaseModel):
    """Base of all option models: immutable, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Price(Options):
    """Price in US dollars for a million tokens."""

    prompt: NonNegativeFloat
    completion: NonNegativeFloat


class BudgetOptions(Options):
    """Hard limits; null means none."""

    usd: NonNegativeFloat | None = None
    requests: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)


class TeacherOptions(Options):
    """Any server that speaks OpenAI's Chat Completions; without `base_url` the embedded one."""

    base_url: str | None = Field(None, description="e.g. http://127.0.0.1:8000/v1")
    model: str | None = Field(None, description="model name as the server knows it")
    api_key_env: str = Field("OPENAI_API_KEY", description="name of the variable, never the key")
    server: Literal["openai", "vllm", "llamacpp", "ollama", "transformers", "generic"] | None = (
        Field(None, description="what answers there; null: known by its address, else generic")
    )
    supports: dict[str, bool | str | tuple[str, ...] | None] = Field(
        default_factory=dict, description="what differs from that server; `doctor` finds out"
    )
    mode: Literal["online", "batch"] = Field(
        "online", description="batch: /v1/files and /v1/batches, half the price, within a day"
    )
    weight: NonNegativeFloat = Field(
        1, description="share of the requests, in a list of teachers; 0: only steps in"
    )
    max_in_flight: PositiveInt = Field(64, description="requests under way at once, at most")
    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None
    price_per_million: Price | None = Field(None, description="US dollars; null: the list price")
    budget: BudgetOptions = Field(
        default_factory=BudgetOptions, description="hard limits for this teacher alone"
    )
    temperature: float = Field(0.7, ge=0, le=2)
    max_tokens: PositiveInt = Field(512, description="limit of one answer, in tokens")
    max_tokens_if_cut: PositiveInt | None = Field(
        None, description="limit of one more try where an answer was cut; null: none"
    )
    token_field: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        None, description="name of the limit in a request; null: what the server wants"
    )
    timeout_seconds: float = Field(120, gt=0, description="for one attempt")
    max_attempts: PositiveInt = Field(
        5, description="attempts at one request; those refused with 429 do not count"
    )
    license: str | None = Field(None, description="licence or terms of the teacher's output")

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        """Whoever puts the key itself here must not find it in a version's recipe."""
        if not _VARIABLE.fullmatch(name):
            msg = "the name of an environment variable, never the key itself"
            raise ValueError(msg)
        return name

    @field_validator("base_url")
    @classmethod
    def _holds_no_key(cls, url: str | None) -> str | None:
        """The address goes into journal and card; a key in it would go there, too."""
        if url is not None and "@" in url:
            msg = "an address without user and password (keys go into the variable of api_key_env)"
            raise ValueError(msg)
        return url


def _one_or_more(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


Teachers = Annotated[
    Annotated[TeacherOptions, Tag("one")]
    | Annotated[tuple[TeacherOptions, ...], Field(min_length=1), Tag("several")],
    Discriminator(_one_or_more),
]


def _word_or_more(value: object) -> str:
    return "word" if isinstance(value, str) else "listed"


class SourceOptions(Options):
    """Existing data: a path or glob relative to the recipe, or `hf:owner/name`."""

    path: str
    format: Literal[
        "auto",
        "alpaca",
        "sharegpt",
        "messages",
        "prompt_completion",
        "preference",
        "kto",
        "oasst",
    ] = "auto"
    license: str | None = Field(None, description="SPDX id; required to publish to the Hub")
    share: Share | None = Field(None, description="share of its rows that is used")


class AnswerOptions(Options):
    """How a generator gets its answers; null takes the value of the profile."""

    name: Name | None = Field(None, description="names its rows' source; null: the kind")
    profile: Literal["auto", "small", "large"] = Field(
        "auto", description="settings for what is not named here; auto: small for the embedded one"
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


class SelfInstructOptions(AnswerOptions):
    """Alpaca's loop: propose new tasks from seeds, gate them, answer each."""

    kind: Literal["self_instruct"]
    target: PositiveInt = Field(100, description="accepted rows to reach")
    seeds: str = Field("builtin", description="`builtin` or a JSONL file of seed tasks")
    categories: tuple[str, ...] | None = Field(None, description="seed categories to show")
    style: Literal["completions", "chat", "topics"] | None = Field(
        None, description="continue a numbered list, ask for JSON, or finish questions on topics"
    )
    examples_per_prompt: PositiveInt | None = Field(None, description="seeds shown in a request")
    proposals_per_request: PositiveInt | None = Field(None, description="new tasks asked for")
    proposal_temperature: float | None = Field(None, ge=0, le=2)
    proposal_max_tokens: PositiveInt | None = Field(None, description="limit of a list of tasks")
    min_task_confidence: float | None = Field(
        None, le=0, description="the same for a proposed task; only where a request proposes one"
    )
    avoid_words: tuple[str, ...] | None = Field(
        None, description="tasks with one of these words are dropped"
    )
    max_rounds: PositiveInt = Field(40, description="rounds after which generation gives up")
    max_dry_rounds: PositiveInt = Field(4, description="rounds without an accepted row, likewise")


class RespondOptions(AnswerOptions):
    """Answers for given prompts."""

    kind: Literal["respond"]
    prompts: str = Field(description="JSONL: {instruction, input} or {prompt} a line")
    license: str | None = Field(None, description="licence of the prompts")


GeneratorOptions = Annotated[SelfInstructOptions | RespondOptions, Field(discriminator="kind")]


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
    Discriminator(_word_or_more),
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
    topics: PositiveInt | None = Field(None, description="clusters of prompts; null: by size")
    twins: bool = Field(True, description="random subsets of equal size beside the selection")


Filters = Annotated[
    Annotated[Literal["auto"], Tag("word")] | Annotated[tuple[FilterOptions, ...], Tag("listed")],
    Discriminator(_word_or_more),
]


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
        description="columns, or fields of a source's records, that name a document or a tree",
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
    runner: Literal["local", "ray"] = Field(
        "local", description="where deduplication runs: this machine, or a Ray cluster"
    )
    dedup: DedupOptions | None = DedupOptions()
    decontaminate: DecontaminateOptions | None = None
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


def parse_recipe(data: object, *, where: str) -> Recipe:
    """Validate a recipe in full.

    Args:
        data: what the YAML file holds.
        where: file named in the error.

    Raises:
        InputError: for the first unknown or mistyped field, with its path and what to do.
    """
    if not isinstance(data, Mapping):
        msg = f"expected a mapping with at least `name:`, got {type(data).__name__} in {where}"
        raise InputError(msg)
    try:
        return Recipe.model_validate(dict(data))
    except ValidationError as error:
        raise InputError(_explain(error, where=where)) from error


def _explain(error: ValidationError, *, where: str) -> str:
    """Turn pydantic's first complaint into one line."""
    # An unknown field says more than the missing one that a typo leaves behind.
    problems = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    problem = problems[0]
    path = [part for part in problem["loc"] if part not in _NOT_FIELDS]
    field = ".".join(str(part) for part in path)
    if problem["type"] == "extra_forbidden":
        parent, name = path[:-1], str(path[-1])
        valid = _field_names(_model_at(parent, tag=_tag(problem["loc"])))
        near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(sorted(valid))}"
        return f"unknown field {field!r} in {where}: {hint}"
    got = problem.get("input")
    if problem["type"] == "union_tag_invalid":
        field, got = f"{field}.kind", problem["ctx"]["tag"]
        known = problem["ctx"]["expected_tags"].replace("'", "")
        return f"expected one of {known}, got {got!r} for {field!r} in {where}: correct it"
    if path[-1:] == ["api_key_env"]:
        got = "something else"
    shown = "nothing" if problem["type"] == "missing" else _PASSWORD.sub("...@", repr(got))[:80]
    return f"expected {_wanted(problem['msg'])}, got {shown} for {field!r} in {where}: correct it"


_PASSWORD = re.compile(r"[^\s'/]*@")
_UNION_TAGS = frozenset({"self_instruct", "respond"})
# pydantic adds the member of a union to the path; a user has not written it.
_NOT_FIELDS = _UNION_TAGS | {
    *("float", "int", "bool", "str", "tuple[str, ...]"),
    *("one", "several"),  # teachers
    *("word", "listed"),  # filters, quotas
}


def _tag(location: Sequence[Any]) -> str | None:
    return next((part for part in location if part in _UNION_TAGS), None)


def _wanted(message: str) -> str:
    """Shorten pydantic's message to what was expected."""
    text = message.removeprefix("Input should be ").removeprefix("Value error, ")
    text = text.replace("a valid tuple", "a list").replace("a valid dictionary", "a mapping")
    text = text.replace("Tuple should have at least 1 item after validation, not 0", "an entry")
    return {"Field required": "a value"}.get(text, text)


def _model_at(path: Sequence[Any], *, tag: str | None) -> type[BaseModel]:
    """Find the option model that a path of field names and positions leads to."""
    model: type[BaseModel] = Recipe
    for part in path:
        if not isinstance(part, str) or part not in model.model_fields:
            continue
        candidates = _models_in(model.model_fields[part].annotation)
        tagged = [found for found in candidates if _kind_of(found) == tag]
        if tag is not None and tagged:
            model = tagged[0]
        elif candidates:
            model = candidates[0]
    return model


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _kind_of(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return None if kind is None else str(get_args(kind.annotation)[0])


def _field_names(model: type[BaseModel]) -> list[str]:
    return list(model.model_fields)
