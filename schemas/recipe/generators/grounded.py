"""Options of tasks made from documents."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag

from schemas.recipe.base import Share, word_or_more
from schemas.recipe.generators.answers import AnswerOptions

GroundedTask = Literal["qa", "summary", "explain", "outline"]
Patterns = Annotated[
    Annotated[str, Tag("word")] | Annotated[tuple[str, ...], Tag("listed")],
    Discriminator(word_or_more),
]


class GroundedOptions(AnswerOptions):
    """Questions, answers and long texts from documents, each checked against its source."""

    kind: Literal["grounded"]
    documents: Patterns = Field(
        description="a path or pattern, or several: .txt, .md, .html, .pdf files"
    )
    license: str | None = Field(None, description="licence of the documents")
    tasks: tuple[GroundedTask, ...] = Field(
        ("qa",), min_length=1, description="what is made of every chunk"
    )
    per_chunk: PositiveInt = Field(3, description="questions asked for of a chunk")
    asks: Literal["json", "quote_first"] | None = Field(
        None,
        description="all questions of a chunk in one JSON reply, or one for each of a few of its "
        "sentences; null: the second for the small profile",
    )
    give_source: bool = Field(
        False, description="the chunk is the input of a question; else it must stand alone"
    )
    chunk_words: int = Field(300, ge=20, description="words in a chunk, at most")
    overlap_words: int = Field(
        0, ge=0, description="words that a chunk repeats of the one before, at most"
    )
    min_chunk_words: PositiveInt = Field(20, description="shorter chunks are left out")
    min_quote_similarity: Share = Field(
        0.9, description="of a quote to the nearest place in its chunk; 1: word by word"
    )
    min_quote_words: PositiveInt = Field(3, description="words in a quote")
    min_answer_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="share of the words that an answer adds to its question which its quotes have",
    )
    min_question_share: float = Field(
        0.4, ge=0, le=1, description="share of a question's content words that its chunk has"
    )
    min_source_share: float = Field(
        0.6, ge=0, le=1, description="share of a long text's content words that its chunk has"
    )
    max_summary_share: Share = Field(
        0.6, description="words of a summary, as a share of its chunk's"
    )

    @property
    def patterns(self) -> tuple[str, ...]:
        """The documents, always several."""
        return (self.documents,) if isinstance(self.documents, str) else self.documents
