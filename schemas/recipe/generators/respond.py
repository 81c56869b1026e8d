"""Options of answers for given prompts."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from schemas.recipe.base import word_or_more
from schemas.recipe.generators.answers import AnswerOptions

Pools = Annotated[
    Annotated[str, Tag("word")] | Annotated[tuple[str, ...], Field(min_length=1), Tag("listed")],
    Discriminator(word_or_more),
]


class RespondOptions(AnswerOptions):
    """Answers for given prompts."""

    kind: Literal["respond"]
    prompts: Pools = Field(
        description="a file, a glob or a list of them: records with `instruction` (and `input`), "
        "`prompt`, `question`, `query` or a conversation, or .txt with a prompt a line; of several "
        "files each row's `arm` names the one that its prompt is from"
    )
    license: str | None = Field(None, description="licence of the prompts")
