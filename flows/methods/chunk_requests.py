"""What a teacher is asked about a chunk: which questions, about which of its sentences."""

from hashlib import sha256

import polars as pl

from flows.generators.grounded import (
    INSTRUCTIONS,
    Item,
    ask_from_fact,
    render_long,
    render_question,
    render_questions,
)
from flows.generators.respond import render_answer
from flows.methods.base import Kit
from quality.documents.checks import count_text_words
from quality.documents.chunks import Chunk
from quality.documents.sentences import sentence_spans
from quality.judging.fence import break_tokens
from quality.scorers.language import identify
from schemas.recipe.generators.grounded import GroundedOptions, GroundedTask
from schemas.records import TeacherRequest

#: Limit of one question of a small model.
QUESTION_TOKENS = 40
_SENTENCE_WORDS = range(6, 41)  # of a sentence that a small model is asked about


class ChunkRequests:
    """Renders the requests of one generator; they depend on recipe and chunk only."""

    def __init__(self, kit: Kit, options: GroundedOptions) -> None:
        self._kit = kit
        self._options = options

    @property
    def reply_tokens(self) -> int:
        """Room for all questions of a chunk; an answer and its quotes take less than a limit."""
        return max(self._kit.max_tokens, 200 * self._options.per_chunk)

    def questions(self, chunk: Chunk) -> TeacherRequest:
        """All questions of a chunk in one reply."""
        options = self._options
        return render_questions(
            chunk,
            number=options.per_chunk,
            gives_source=options.give_source,
            min_quote_words=options.min_quote_words,
            temperature=self._kit.temperature,
            max_tokens=self.reply_tokens,
        )

    def question(self, sentence: str, language: str) -> TeacherRequest:
        """One question that a sentence answers."""
        temperature = self._kit.profile.proposal_temperature
        return render_question(
            sentence, language=language, temperature=temperature, max_tokens=QUESTION_TOKENS
        )

    def answer(self, item: Item, language: str) -> TeacherRequest:
        """The answer that a sentence gives to a question."""
        return render_answer(
            ask_from_fact(item.question, item.quotes[0], language=language),
            "",
            system=self._kit.profile.system,
            temperature=self._kit.temperature,
            max_tokens=self._kit.max_tokens,
            sample=0,
        )

    def long(self, chunk: Chunk, task: GroundedTask) -> TeacherRequest:
        """A text about a chunk."""
        if self._kit.profile.style == "topics":
            # A small model takes the marks around a source for the task.
            return render_answer(
                self.instruction(chunk, task),
                break_tokens(chunk.text),
                system=self._kit.profile.system,
                temperature=self._kit.temperature,
                max_tokens=self._kit.max_tokens,
                sample=0,
            )
        return render_long(
            self.instruction(chunk, task),
            chunk,
            temperature=self._kit.temperature,
            max_tokens=self._kit.max_tokens,
        )

    def instruction(self, chunk: Chunk, task: GroundedTask) -> str:
        """Return what a row about a chunk asks for, drawn by hash, in the chunk's language."""
        choices = INSTRUCTIONS[task]
        texts = choices.get(self._language(chunk), choices["en"])
        return texts[_draw(self._kit.seed, chunk.id, task) % len(texts)]

    def sentences(self, chunk: Chunk) -> list[tuple[str, str]]:
        """Return the sentences a small model is asked about, drawn by hash, with their language."""
        spans = [chunk.text[start:end] for start, end in sentence_spans(chunk.text)]
        fitting = [text for text in spans if count_text_words(text) in _SENTENCE_WORDS]
        drawn = sorted(
            dict.fromkeys(fitting), key=lambda text: (_draw(self._kit.seed, chunk.id, text), text)
        )
        language = self._language(chunk)
        chosen = set(drawn[: self._options.per_chunk])
        return [(text, language) for text in dict.fromkeys(fitting) if text in chosen]

    def _language(self, chunk: Chunk) -> str:
        found = identify(pl.Series([chunk.text]))[0]
        return str(found or self._kit.languages[0])


def _draw(*parts: int | str) -> int:
    digest = sha256("\x1f".join(map(str, parts)).encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big")
