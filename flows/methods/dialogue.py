"""Self-chat: one teacher as user and as assistant, until a rule ends the dialogue."""

import math
import random
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

from flows.generators.dialogue import Part, parse_user_turn, render_opening, render_user_turn
from flows.generators.respond import (
    parse_answer,
    render_chat,
    with_confidence,
)
from flows.generators.self_instruct import Proposal
from flows.methods.answering import quarantine_unreadable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.dialogue_talk import Talk
from flows.methods.jobs import Ask, Draft, Job, Step
from flows.methods.proposing import draw_of, is_small, propose_task
from flows.prompts import NamedPrompts, Prompts, read_prompts
from flows.seeds import load_topics
from flows.store import hash_json
from quality.dialogue import Stop, judge_user_turn
from quality.formats.parse import Message
from quality.gates import Rejection
from schemas.errors import InputError
from schemas.recipe.generators.dialogue import DialogueOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

# First words of a question that a small model finishes.
_OPENERS = ("Why", "How", "What", "When", "Can", "Do")


class Dialogue(Method):
    """Has the teacher talk to itself until enough dialogues are accepted."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Read the first questions, or the topics that they will be about.

        Raises:
            InputError: if the file cannot be read, or there are no topics in the languages.
        """
        super().__init__(kit)
        self._options = cast("DialogueOptions", kit.options)
        self._is_small = is_small(kit.profile)
        self._prompts: Prompts | None = None
        self._topics: list[str] = []
        if self._options.prompts is not None:
            file = NamedPrompts(self._options.prompts, self._options.license)
            self._prompts = read_prompts(kit.session, file)
        else:
            self._topics = load_topics(kit.languages)
            random.Random(f"{kit.seed}:{kit.name}").shuffle(self._topics)
            if not self._topics:
                msg = (
                    f"expected built-in topics in {list(kit.languages)!r}, got none for generator "
                    f"{kit.name!r}: name a file of first questions in 'prompts'"
                )
                raise InputError(msg)

    @property
    def fingerprint(self) -> str:
        """Hash of the file, or of the topics."""
        return hash_json(self._topics) if self._prompts is None else self._prompts.fingerprint

    def job(self, position: int, arm: str) -> Job:  # noqa: ARG002  has no arms
        """Open a dialogue, let both sides talk until a rule ends it, and cut it back."""
        if self._prompts is not None:
            # A file's questions are the user's own: they pass no gate, and each is used once.
            if position >= len(self._prompts.tasks):
                return []
            opening: GivenTask | Draft = self._prompts.tasks[position]
        else:
            opening = yield from self._propose(position)
        if isinstance(opening, Draft):
            return [opening]
        talk = Talk()
        stop = yield from self._talk(talk, opening, position)
        return [self._draft(talk, opening, stop)]

    def unreadable(self) -> Iterator[Draft]:
        """Lines that are no prompt."""
        if self._prompts is None or self._options.prompts is None:
            return iter(())
        return quarantine_unreadable(self._prompts)

    def forecast(self) -> Forecast:
        """First questions, answers, and the user's later turns, of as many dialogues as needed."""
        options, profile = self._options, self.kit.profile
        talks = math.ceil(options.target / profile.answer_yield)
        opened = math.ceil(talks / profile.gate_yield) if self._prompts is None else 0
        known = (self._opening_request(position) for position in range(opened))
        later = talks * (options.max_turns - 1)
        return Forecast(
            [
                Wave(opened, known, limit=self.kit.profile.proposal_max_tokens),
                Wave(talks + later, prompt_bytes=900, limit=self.kit.max_tokens),
                Wave(
                    later,
                    prompt_bytes=1500,
                    reply_bytes=80,
                    limit=self.kit.profile.proposal_max_tokens,
                ),
            ],
            rows=options.target,
            assumptions=f"dialogues of {options.max_turns} questions, "
            f"{profile.answer_yield:.0%} of them pass every rule",
        )

    def _propose(self, position: int) -> Generator[Step, Any, GivenTask | Draft]:
        opener = self._opener(position)
        return (
            yield from propose_task(
                self.kit,
                self._opening_request(position),
                lambda reply: _read_opening(reply, opener),
                about={"topic": self._topics[position % len(self._topics)]},
                check=_check_opening,
            )
        )

    def _talk(self, talk: Talk, opening: GivenTask, position: int) -> Generator[Step, Any, Stop]:
        """Let both sides talk in turn; returns why it ended."""
        question = f"{opening.instruction}\n\n{opening.input}".rstrip()
        while True:
            answered = [*talk.turns, _turn("user", question)]
            (reply,) = yield Ask([self._answer_request(answered, opening)])
            talk.asked.append(reply.key)
            talk.heard = talk.heard or reply
            stop = talk.judge_answer(reply, self._options, self.kit.profile)
            if stop is not None:
                return stop
            talk.turns = [*answered, _turn("assistant", parse_answer(reply))]
            talk.heard = reply
            stop = talk.reach_limit(self._options)
            if stop is not None:
                return stop
            part, draw = self._part(position), draw_of(self.kit.profile, position)
            (reply,) = yield Ask([render_user_turn(talk.turns, part=part, draw=draw)])
            talk.asked.append(reply.key)
            question = parse_user_turn(reply)
            stop = talk.judge_question(reply, question, self._options)
            if stop is not None:
                return stop

    def _draft(self, talk: Talk, opening: GivenTask, stop: Stop) -> Draft:
        """The dialogue up to the assistant's last turn, with why it ended."""
        number = len(talk.said_by("user"))
        about = {**opening.about, "turns": number, "stop": stop.rule, "asked": talk.asked}
        about |= {"stop_evidence": stop.evidence} if stop.evidence else {}
        about |= {} if stop.value is None else {"stop_value": round(stop.value, 4)}
        least, rejection = self._options.min_turns, None
        if number < least:
            evidence = f"{stop.rule}: {stop.evidence}".rstrip(": ")
            rejection = Rejection("dialogue_too_short", float(number), float(least), evidence)
        system = [_turn("system", opening.system)] if opening.system else []
        turns = talk.turns or [_turn("user", opening.instruction)]
        return Draft(
            talk.heard,
            instruction=opening.instruction,
            input=opening.input,
            messages=[*system, *turns],
            parents=(opening.id,) if self._prompts is not None else (),
            about=about,
            license=opening.license,
            rejection=rejection,
        )

    def _opener(self, position: int) -> str:
        """First words for a small model; a large one needs none."""
        if not self._is_small:
            return ""
        return random.Random(f"{self.kit.seed}:{self.kit.name}:{position}").choice(_OPENERS)

    def _opening_request(self, position: int) -> TeacherRequest:
        request = render_opening(
            self._topics[position % len(self._topics)],
            opener=self._opener(position),
            part=self._part(position),
            draw=draw_of(self.kit.profile, position),
        )
        wants = self.kit.profile.min_task_confidence is not None
        return with_confidence(request) if wants else request

    def _part(self, position: int) -> Part:
        language = self.kit.languages[position % len(self.kit.languages)]
        return Part(self._options.user_system, language, self._is_small)

    def _answer_request(self, turns: Sequence[Message], opening: GivenTask) -> TeacherRequest:
        kit = self.kit
        request = render_chat(
            turns,
            system=opening.system or kit.profile.system,
            temperature=kit.temperature,
            max_tokens=kit.max_tokens,
            sample=0,
        )
        return with_confidence(request) if kit.profile.asks_confidence else request


def _turn(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _read_opening(reply: TeacherReply, opener: str) -> Proposal | None:
    text = parse_user_turn(reply, opener=opener)
    return Proposal(text, truncated=reply.finish_reason == "length") if text else None


def _check_opening(found: Proposal) -> Rejection | None:
    """What would end a dialogue is no beginning of one."""
    stop = judge_user_turn(found.instruction, [], "", max_similarity=1.0)
    return None if stop is None else Rejection(stop.rule, stop.value, evidence=stop.evidence)
