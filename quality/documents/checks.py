"""Whether what a teacher made of a chunk rests on it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from quality.documents.chunks import Chunk
from quality.documents.quotes import (
    Found,
    find_quote,
    foreign_numbers,
    new_words,
    share_in_source,
)
from quality.gates import Rejection
from quality.words import count_words

#: Numbers of a list's points are none of what it says.
_LIST_NUMBER: Final = re.compile(r"(?:^|(?<=\s))\d{1,2}[.)](?=\s)")


class Bars(NamedTuple):
    """What an answer with quotes must reach.

    Attributes:
        similarity: of a quote to its place in the chunk, 0..1.
        quote_words: in a quote.
        answer_share: of what an answer adds to its question that the quotes have, 0..1.
        question_share: of the question's content words that the chunk has, 0..1.
    """

    similarity: float = 0.9
    quote_words: int = 3
    answer_share: float = 0.6
    question_share: float = 0.4


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote and where its chunk has it."""

    text: str
    found: Found

    def note(self, chunk: Chunk) -> dict[str, Any]:
        """Return what the row says of it; places count the characters of the document."""
        return {
            "text": self.text,
            "start": chunk.start + self.found.start,
            "end": chunk.start + self.found.end,
            "similarity": self.found.similarity,
        }


def find_quotes(quotes: Sequence[str], chunk: Chunk) -> list[Quoted]:
    """Look for quotes in a chunk, without regard to whether they are there."""
    return [Quoted(quote, find_quote(quote, chunk.text)) for quote in quotes]


def check_quotes(quotes: Sequence[Quoted], bars: Bars) -> Rejection | None:
    """Name the first reason why quotes prove nothing.

    Returns:
        `no_quote`, `quote_too_short` (value: words) or `quote_not_found` (value: similarity of
        the nearest place); null where every quote is there.
    """
    if not quotes:
        return Rejection("no_quote")
    for quote in quotes:
        words = count_text_words(quote.text)
        if quote.found.similarity < bars.similarity:
            return Rejection(
                "quote_not_found", quote.found.similarity, bars.similarity, quote.text[:200]
            )
        if words < bars.quote_words:
            return Rejection("quote_too_short", words, bars.quote_words, quote.text[:200])
    return None


def check_question(question: str, chunk: Chunk, bars: Bars) -> Rejection | None:
    """Name a question that its chunk says nothing of: `question_not_from_source`, or null."""
    share = share_in_source(question, [chunk.text, *chunk.section])
    if share is not None and share < bars.question_share:
        return Rejection("question_not_from_source", round(share, 4), bars.question_share)
    return None


def check_answer(
    answer: str, question: str, quotes: Sequence[Quoted], chunk: Chunk, bars: Bars
) -> Rejection | None:
    """Name why an answer does not follow from its quotes.

    Returns:
        `empty_answer`, `number_not_in_source` (value: how many), `answer_repeats_question`, or
        `answer_not_in_quote` (value: share of the content words that it adds to its question which
        the quotes have); null where none holds. Words alone cannot show that it follows: a wrong
        answer made of the right words passes.
    """
    if not answer.strip():
        return Rejection("empty_answer")
    numbers = foreign_numbers(answer, [chunk.text, *chunk.section])
    if numbers:
        return Rejection("number_not_in_source", len(numbers), 0, ", ".join(numbers)[:200])
    # Where the quote stands, not how it was copied.
    texts = [chunk.text[item.found.start : item.found.end] for item in quotes]
    added = new_words(answer, question)
    if not added and share_in_source(answer, []) is not None:
        return Rejection("answer_repeats_question", evidence=answer[:200])
    share = share_in_source(added, texts)
    if share is not None and share < bars.answer_share:
        return Rejection("answer_not_in_quote", round(share, 4), bars.answer_share, answer[:200])
    return None


def check_long(text: str, chunk: Chunk, *, min_share: float) -> Rejection | None:
    """Name why a text about a chunk does not rest on it.

    Returns:
        `empty_answer`, `number_not_in_source` or `not_from_source` (value: share of its content
        words that the chunk has); null where none holds.
    """
    if not text.strip():
        return Rejection("empty_answer")
    sources = [chunk.text, *chunk.section]
    numbers = foreign_numbers(_LIST_NUMBER.sub(" ", text), sources)
    if numbers:
        return Rejection("number_not_in_source", len(numbers), 0, ", ".join(numbers)[:200])
    share = share_in_source(text, sources)
    if share is not None and share < min_share:
        return Rejection("not_from_source", round(share, 4), min_share)
    return None


def count_text_words(text: str) -> int:
    """Return the words of one text; in scripts without spaces a character is one."""
    return int(pl.select(count_words(pl.lit(text))).item())


def place_of(chunk: Chunk) -> Mapping[str, Any]:
    """Return what a row says of the chunk it was made from."""
    return {
        "document": chunk.document,
        "section": list(chunk.section),
        "start": chunk.start,
        "end": chunk.end,
    }
