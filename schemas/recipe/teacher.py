"""The teacher and what it may cost."""

import re
from typing import Annotated, Literal

from pydantic import (
    Discriminator,
    Field,
    NonNegativeFloat,
    PositiveInt,
    Tag,
    ValidationInfo,
    field_validator,
)

from schemas.recipe.base import BudgetOptions, Options, Price, one_or_more

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TeacherOptions(Options):
    """Any server that speaks OpenAI's Chat Completions, a GGUF file, or else the embedded one."""

    base_url: str | None = Field(None, description="e.g. http://127.0.0.1:8000/v1")
    gguf: str | None = Field(
        None, min_length=1, description="model file that feingold serves itself, with llama.cpp"
    )
    slots: int | None = Field(
        None, ge=1, le=256, description="requests a local model answers at once; null: 8"
    )
    context: int | None = Field(
        None,
        ge=64,
        le=2**24,
        description="tokens of a local model's prompt and answer; null: 2048 at most",
    )
    model: str | None = Field(
        None, description="model name as the server knows it; of a GGUF file: null takes its own"
    )
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

    @field_validator("gguf", "slots", "context")
    @classmethod
    def _is_local(cls, value: object, info: ValidationInfo) -> object:
        """A server on its own has its model, slots and context from whoever started it."""
        if value is not None and info.data.get("base_url") is not None:
            msg = "none beside teacher.base_url: feingold serves only local models itself"
            raise ValueError(msg)
        return value


Teachers = Annotated[
    Annotated[TeacherOptions, Tag("one")]
    | Annotated[tuple[TeacherOptions, ...], Field(min_length=1), Tag("several")],
    Discriminator(one_or_more),
]
