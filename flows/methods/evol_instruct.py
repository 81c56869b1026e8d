"""Evol-Instruct: evolve a task step by step, eliminate failed steps, answer what is left.

Source: Xu et al. 2023, WizardLM, https://arxiv.org/abs/2304.12244. Differs: a job evolves one task
through its rounds instead of a whole pool round by round; all tasks pass Alpaca's gates.
"""

import math
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from flows.generators.evol_instruct import (
    parse_evolution,
    parse_gain,
    render_evolution,
    render_gain,
)
from flows.generators.respond import with_confidence
from flows.generators.self_instruct import Proposal
from flows.generators.tasks import show_task
from flows.methods.answering import answer_requests, keep_best, reject
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.evol_starts import Start, read_rows, read_seeds
from flows.methods.jobs import Ask, Candidate, Draft, Gate, Job, Step
from flows.methods.proposing import draw_of, is_small, reject_unlikely, task_id
from flows.store import hash_json
from quality.elimination import eliminate_answer, eliminate_task
from quality.formats.parse import single_exchange
from quality.gates import Rejection, check_instruction
from quality.ids import content_id
from schemas.recipe.generators.evol_instruct import EvolInstructOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a step.

    Attributes:
        failed: replies that led to nothing.
        task: what no rule eliminated; null where a rule did.
        answered: the draft of its answer.
    """

    failed: Sequence[Draft]
    task: GivenTask | None = None
    answered: Draft | None = None


class EvolInstruct(Method):
    """Makes tasks harder or different until enough rows are accepted."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Read the tasks to start from.

        Raises:
            InputError: if a line is no seed task, or none fits.
        """
        super().__init__(kit)
        self._options = cast("EvolInstructOptions", kit.options)
        self._is_small = is_small(kit.profile)
        self._seeds = read_seeds(kit, self._options) if self._options.over is None else []

    @property
    def fingerprint(self) -> str | None:
        """Hash of the seeds; the rows of other generators are in the key already."""
        return hash_json(self._seeds) if self._seeds else None

    @property
    def arms(self) -> tuple[str, ...]:
        """The operators."""
        return self._options.operators

    def job(self, position: int, arm: str) -> Job:
        """Evolve one task, step by step; what survives passes the gates, the last step first."""
        starts = self._starts
        turn, place = divmod(position, len(starts))
        start = current = starts[place]
        drafts: list[Draft] = []
        survivors: list[tuple[GivenTask, Draft]] = []
        operators: Sequence[str] = self._options.operators
        for step in range(self._options.rounds):
            operator = arm or operators[(place + turn + step) % len(operators)]
            about = {"step": step + 1, "operator": operator, "root": start.id}
            outcome = yield from self._step(position, current, operator, about)
            drafts += outcome.failed
            if outcome.task is not None and outcome.answered is not None:
                survivors.append((outcome.task, outcome.answered))
                current = _evolved(outcome.task, outcome.answered)
        survivors.reverse()
        verdicts = yield Gate([Candidate(task.id, task.instruction) for task, _ in survivors])
        for (_, draft), verdict in zip(survivors, verdicts, strict=True):
            drafts.append(draft if verdict is None else reject(draft, verdict))
        return drafts

    def forecast(self) -> Forecast:
        """Steps, questions about them, and answers, as many as the target takes."""
        profile, options = self.kit.profile, self._options
        steps = math.ceil(options.target / profile.answer_yield / profile.gate_yield)
        starts = [] if options.over else self._starts
        known = (
            self._request(position, starts[position % len(starts)], options.operators[0])
            for position in range(steps if starts else 0)
        )
        waves = [
            Wave(steps, known, None if starts else 800, limit=self.kit.profile.proposal_max_tokens),
            Wave(
                math.ceil(steps * profile.gate_yield) * profile.answers_per_task,
                prompt_bytes=400,
                limit=self.kit.max_tokens,
            ),
        ]
        if self._asks_gain:
            waves.insert(1, Wave(steps, prompt_bytes=700, reply_bytes=8, limit=8))
        return Forecast(
            waves,
            rows=options.target,
            assumptions=f"{profile.gate_yield:.0%} of the steps get to an answer, "
            f"{profile.answer_yield:.0%} of answered ones pass every rule",
        )

    def _step(
        self, position: int, current: Start, operator: str, about: Mapping[str, Any]
    ) -> Generator[Step, Any, _Outcome]:
        """Evolve a task once, hold it against the rules, and answer it."""
        (reply,) = yield Ask([self._request(position, current, operator)])
        found = self._read(reply, current, operator)
        facts = {**about, "evolved_by": reply.key}
        failed = Draft(
            reply,
            instruction=found.instruction if found else "",
            input=found.input if found else "",
            parents=(current.id,),
            arm=operator,
            about=facts,
        )
        rejection = self._refuse(reply, found, current)
        if rejection is not None or found is None:
            return _Outcome([reject(failed, rejection or Rejection("unparsable_reply"))])
        if self._asks_gain:
            (verdict,) = yield Ask([_gain_request(current, found)])
            gained = parse_gain(verdict)
            # A teacher that does not say is no reason to drop a task: the rule abstains.
            facts = {**facts, "information_gain": gained, "gain_asked": verdict.key}
            if gained is False:
                told = Rejection("no_information_gain", evidence=verdict.text[:200])
                return _Outcome([reject(replace(failed, about=facts), told)])
        task = GivenTask(
            task_id(found.instruction, found.input),
            found.instruction,
            found.input,
            (current.id,),
            arm=operator,
            about=facts,
        )
        replies = yield Ask(answer_requests(self.kit, task))
        return _hold_answer(task, keep_best(self.kit.profile, task, replies))

    def _refuse(
        self, reply: TeacherReply, found: Proposal | None, current: Start
    ) -> Rejection | None:
        """What can be said against a step before anybody is paid for more."""
        if reply.error is not None:
            return Rejection("teacher_error", evidence=reply.error)
        if found is None:
            return Rejection("unparsable_reply", evidence=reply.text[:200])
        if found.truncated:
            return Rejection("truncated_proposal", evidence=found.instruction[-100:])
        parent = show_task(current.instruction, current.input)
        return (
            eliminate_task(parent, show_task(found.instruction, found.input))
            or check_instruction(found.instruction, ascii_only=set(self.kit.languages) <= {"en"})
            or reject_unlikely(self.kit.profile, reply)
        )

    def _read(self, reply: TeacherReply, current: Start, operator: str) -> Proposal | None:
        if reply.error is not None:
            return None
        return parse_evolution(
            reply,
            instruction=current.instruction,
            operator=operator,
            is_small=self._is_small,
        )

    def _request(self, position: int, current: Start, operator: str) -> TeacherRequest:
        request = render_evolution(
            current.instruction,
            current.input,
            operator=operator,
            is_small=self._is_small,
            draw=draw_of(self.kit.profile, position),
        )
        wants = self.kit.profile.min_task_confidence is not None
        return with_confidence(request) if wants else request

    @property
    def _asks_gain(self) -> bool:
        asked = self._options.ask_gain
        return not self._is_small if asked is None else asked

    @cached_property
    def _starts(self) -> list[Start]:
        """Seeds or rows, in an order of the recipe's seed."""
        order = sorted(self._seeds or read_rows(self.kit, self._options))
        random.Random(f"{self.kit.seed}:{self.kit.name}").shuffle(order)
        return order


def _gain_request(current: Start, found: Proposal) -> TeacherRequest:
    return render_gain(
        show_task(current.instruction, current.input), show_task(found.instruction, found.input)
    )


def _hold_answer(task: GivenTask, drafts: Sequence[Draft]) -> _Outcome:
    """Hold the best answer of a task against the rules for answers."""
    best = next((draft for draft in drafts if draft.rejection is None), None)
    others = [draft for draft in drafts if draft is not best]
    if best is None:
        return _Outcome(others)
    rejection = eliminate_answer(best.output or "")
    if rejection is not None:
        return _Outcome([*others, reject(best, rejection)])
    return _Outcome(others, task, best)


def _evolved(task: GivenTask, draft: Draft) -> Start:
    """A survivor as the start of the next step, under the id that its row will have."""
    parsed = single_exchange(
        system="", instruction=task.instruction, context=task.input, output=draft.output or ""
    )
    return Start(content_id(parsed.messages), task.instruction, task.input)
