"""What a stage and a published version say about themselves."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

#: Layout of a published version. Raised when an older feingold would misread it.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class StageRef:
    """A finished stage on disk: what tasks hand each other instead of rows."""

    stage: str
    key: str
    path: str


@dataclass(frozen=True, slots=True)
class Published:
    """A version on disk.

    Attributes:
        path: its directory.
        version: `major.minor.patch`.
        content_sha256: hash of its row ids.
        is_new: false where this content was published before.
    """

    path: str
    version: str
    content_sha256: str
    is_new: bool


class StageManifest(BaseModel):
    """`manifest.json` of a stage directory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str
    key: str
    inputs: list[str] = Field(description="keys of the stages it was made from")
    config: dict[str, Any]
    code_version: str
    rows_in: int
    kept: int
    dropped: int
    quarantined: int
    reusable: bool = Field(True, description="false where a passing fault shaped the result")
    seconds: float
    notes: dict[str, Any] = Field(default_factory=dict)


class FileRecord(BaseModel):
    """One file of a published version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: str
    bytes: int


class SourceRecord(BaseModel):
    """Where rows came from, and under which licence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    license: str | None
    rows: int
    kept: int


class RequestCounts(BaseModel):
    """How replies were obtained."""

    model_config = ConfigDict(extra="forbid")

    sent: int = 0
    replayed: int = 0
    failed: int = 0


class TokenCounts(BaseModel):
    """Tokens of the replies that were sent for (replayed ones cost nothing)."""

    model_config = ConfigDict(extra="forbid")

    prompt: int = 0
    completion: int = 0


class LocalWeights(BaseModel):
    """A model that feingold serves itself, as its GGUF file says, and how it is sampled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(description="name of the file, without its directory")
    architecture: str
    quantization: str
    parameters: int
    chat_template_sha256: str | None = Field(description="null: the file has none")
    context: int = Field(description="tokens of prompt and answer, at most")
    slots: int = Field(description="requests answered at once")
    sampler: dict[str, float] = Field(
        description="of every request; temperature and seed are in the request itself"
    )


class TeacherRecord(BaseModel):
    """Who answered, under which terms, and what this run spent there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    base_url: str
    license: str | None = None
    weights_sha256: str | None = None
    weights: LocalWeights | None = Field(None, description="null: somebody else serves the model")
    requests: RequestCounts = Field(default_factory=RequestCounts)
    tokens: TokenCounts = Field(default_factory=TokenCounts)
    cost_usd: float = 0.0
    errors: dict[str, int] = Field(default_factory=dict, description="failed attempts by class")


class DatasetManifest(BaseModel):
    """`manifest.json` of a published version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feingold: str
    name: str
    version: str
    parent_version: str | None
    content_sha256: str
    recipe_sha256: str
    code_version: str
    created: str
    rows_in: int
    kept: int
    dropped: int
    quarantined: int
    by_rule: dict[str, int]
    by_stage: list[dict[str, Any]]
    sources: list[SourceRecord]
    teacher: TeacherRecord | None = Field(description="the first of `teachers`")
    teachers: list[TeacherRecord] = Field(
        default_factory=list, description="in the order in which they step in for each other"
    )
    license: str
    languages: list[str]
    requests: RequestCounts
    tokens: TokenCounts
    cost_usd: float
    configs: dict[str, int] = Field(description="config name to number of rows")
    format: int = Field(FORMAT, description="layout of the version")
    notes: dict[str, Any]
    files: list[FileRecord]
