"""Questions, answers and long texts from documents, each checked against its chunk.

Source: the steps of Meta's synthetic-data-kit (2025). Differs: answers come with quotes, the
prompt says how many questions are wanted, every quote is looked up, a document that cannot be read
and a question that did not come are counted by name.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from flows.documents import read_documents
from flows.generators.grounded import (
    Item,
    parse_question,
    parse_questions,
    refers_to_document,
)
from flows.generators.respond import parse_answer
from flows.methods.answering import reject_unusable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.chunk_requests import QUESTION_TOKENS, ChunkRequests
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.material import is_new
from quality.documents.checks import (
    Bars,
    check_answer,
    check_long,
    check_question,
    check_quotes,
    count_text_words,
    find_quotes,
    place_of,
)
from quality.documents.chunks import Chunk, cut_document
from quality.gates import Rejection
from schemas.recipe.generators.grounded import GroundedOptions, GroundedTask
from schemas.records import TeacherReply


class Grounded(Method):
    """Goes over the chunks of some documents once."""

    def __init__(self, kit: Kit) -> None:
        """Read the documents and cut them.

        Raises:
            InputError: if a pattern names no document.
        """
        super().__init__(kit)
        self._options = options = cast("GroundedOptions", kit.options)
        self._documents = read_documents(options.patterns, kit.session.resolve_path(""))
        chunks = [
            chunk
            for document in self._documents.readable
            for chunk in cut_document(
                document.name,
                document.text,
                document.sections,
                max_words=options.chunk_words,
                overlap=min(options.overlap_words, options.chunk_words // 2),
            )
        ]
        self._short = [chunk for chunk in chunks if chunk.words < options.min_chunk_words]
        self._work = [
            (chunk, task)
            for chunk in chunks
            for task in options.tasks
            if chunk.words >= options.min_chunk_words and is_new(kit, chunk.id, task)
        ]
        self._bars = Bars(
            options.min_quote_similarity,
            options.min_quote_words,
            options.min_answer_share,
            options.min_question_share,
        )
        self._requests = ChunkRequests(kit, options)
        # A small model fills no schema with quotes; it can finish a question.
        usual = "quote_first" if kit.profile.style == "topics" else "json"
        self._asks_by_sentence = (options.asks or usual) == "quote_first"

    @property
    def fingerprint(self) -> str:
        """Hash of the documents."""
        return self._documents.fingerprint

    @property
    def arms(self) -> tuple[str, ...]:
        """The kinds of tasks."""
        return self._options.tasks

    def jobs(self) -> Iterator[Job]:
        """One for each chunk and kind of task."""
        for chunk, task in self._work:
            if task != "qa":
                yield self._write(chunk, task)
            elif self._asks_by_sentence:
                yield self._ask_by_sentence(chunk)
            else:
                yield self._ask_at_once(chunk)

    def count_jobs(self) -> int:
        """One for each chunk and kind of task."""
        return len(self._work)

    def unreadable(self) -> Iterator[Draft]:
        """Documents without text, and chunks with too little of it."""
        for item in self._documents.unreadable:
            raw = json.dumps({"document": item.name}, ensure_ascii=False)
            why = Rejection(item.rule, evidence=f"{item.name}: {item.detail}")
            yield Draft(None, raw=raw, rejection=why, action="quarantine")
        for chunk in self._short:
            short = Rejection("chunk_too_short", chunk.words, self._options.min_chunk_words)
            yield Draft(None, parents=(chunk.id,), raw=_raw(chunk), rejection=short)

    def forecast(self) -> Forecast:
        """What the chunks give; how many items hold their checks is not known beforehand."""
        kit, waves, rows = self.kit, list[Wave](), 0
        asking = [chunk for chunk, task in self._work if task == "qa"]
        long = [(chunk, task) for chunk, task in self._work if task != "qa"]
        if asking and self._asks_by_sentence:
            asked = [
                self._requests.question(*pair)
                for chunk in asking
                for pair in self._requests.sentences(chunk)
            ]
            waves.append(Wave(len(asked), asked, limit=QUESTION_TOKENS))
            waves.append(Wave(len(asked), prompt_bytes=300, limit=kit.max_tokens))
            rows += len(asked)
        elif asking:
            once = [self._requests.questions(chunk) for chunk in asking]
            waves.append(Wave(len(once), once, limit=self._requests.reply_tokens))
            rows += self._options.per_chunk * len(once)
        if long:
            texts = [self._requests.long(*pair) for pair in long]
            waves.append(Wave(len(texts), texts, limit=kit.max_tokens))
            rows += len(texts)
        share = kit.profile.answer_yield
        return Forecast(waves, round(rows * share), f"{share:.0%} of what is asked for every check")

    def _ask_at_once(self, chunk: Chunk) -> Job:
        (reply,) = yield Ask([self._requests.questions(chunk)])
        items = parse_questions(reply) if reply.error is None else []
        wanted = self._options.per_chunk
        if not items:
            unparsable = Rejection("unparsable_reply", evidence=reply.text[:200])
            rejection = reject_unusable(reply) or unparsable
            return [self._draft(chunk, "qa", reply, rejection=rejection)]
        drafts = [self._checked(chunk, reply, item) for item in items]
        missed = Rejection("missing_question", len(items), wanted)
        return drafts + [self._draft(chunk, "qa", reply, rejection=missed)] * (wanted - len(items))

    def _ask_by_sentence(self, chunk: Chunk) -> Job:
        chosen = self._requests.sentences(chunk)
        if not chosen:
            nothing = Rejection("no_sentence_to_ask_about", evidence=chunk.text[:200])
            return [replace(self._draft(chunk, "qa", None, rejection=nothing), raw=_raw(chunk))]
        replies = yield Ask([self._requests.question(*pair) for pair in chosen])
        drafts: list[Draft] = []
        asked: list[tuple[Item, str, str]] = []
        for (sentence, language), reply in zip(chosen, replies, strict=True):
            item = Item(parse_question(reply), "", (sentence,))
            rejection = reject_unusable(reply) or self._reject_question(item.question, chunk)
            if rejection is None:
                asked.append((item, language, reply.key))
            else:
                drafts.append(self._draft(chunk, "qa", reply, item, rejection))
        answers = yield Ask([self._requests.answer(item, language) for item, language, _ in asked])
        for (item, _, key), reply in zip(asked, answers, strict=True):
            answered = replace(item, answer=parse_answer(reply) if reply.error is None else "")
            rejection = reject_unusable(reply)
            if rejection is None:
                made = self._checked(chunk, reply, answered)
            else:
                made = self._draft(chunk, "qa", reply, answered, rejection)
            drafts.append(replace(made, about={**(made.about or {}), "question_key": key}))
        return drafts

    def _write(self, chunk: Chunk, task: GroundedTask) -> Job:
        (reply,) = yield Ask([self._requests.long(chunk, task)])
        text = parse_answer(reply) if reply.error is None else ""
        rejection = reject_unusable(reply) or check_long(
            text, chunk, min_share=self._options.min_source_share
        )
        if rejection is None and task == "summary":
            rejection = self._reject_summary(text, chunk)
        return [
            Draft(
                reply,
                instruction=self._requests.instruction(chunk, task),
                input=chunk.text,
                output=text,
                parents=(chunk.id,),
                arm=task,
                about=place_of(chunk),
                license=self._options.license,
                rejection=rejection,
            )
        ]

    def _checked(self, chunk: Chunk, reply: TeacherReply, item: Item) -> Draft:
        """Hold a question, its answer and its quotes against the chunk."""
        quotes = find_quotes(item.quotes, chunk)
        rejection = (
            self._reject_question(item.question, chunk)
            or check_quotes(quotes, self._bars)
            or check_answer(item.answer, item.question, quotes, chunk, self._bars)
        )
        made = self._draft(chunk, "qa", reply, item, rejection)
        notes = [quote.note(chunk) for quote in quotes]
        return replace(made, about={**place_of(chunk), "quotes": notes})

    def _reject_question(self, question: str, chunk: Chunk) -> Rejection | None:
        is_cut_off = self._asks_by_sentence and not question.endswith("?")
        if is_cut_off or count_text_words(question) < 3:
            return Rejection("no_question", evidence=question[:200])
        refers = None if self._options.give_source else refers_to_document(question)
        if refers is not None:
            return Rejection("refers_to_document", evidence=refers)
        return check_question(question, chunk, self._bars)

    def _reject_summary(self, text: str, chunk: Chunk) -> Rejection | None:
        share, bar = count_text_words(text) / chunk.words, self._options.max_summary_share
        return Rejection("summary_too_long", round(share, 4), bar) if share > bar else None

    def _draft(
        self,
        chunk: Chunk,
        task: str,
        reply: TeacherReply | None,
        item: Item | None = None,
        rejection: Rejection | None = None,
    ) -> Draft:
        shown = chunk.text if self._options.give_source and item is not None else ""
        return Draft(
            reply,
            instruction=item.question if item is not None else "",
            input=shown,
            output=item.answer if item is not None else None,
            parents=(chunk.id,),
            arm=task,
            about=dict(place_of(chunk)),
            license=self._options.license,
            rejection=rejection,
        )


def _raw(chunk: Chunk) -> str:
    return json.dumps({**place_of(chunk), "text": chunk.text}, ensure_ascii=False)
