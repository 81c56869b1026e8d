"""Magpie: the teacher writes the user's turn from the head of it, then answers.

Source: Xu et al. 2024, https://arxiv.org/abs/2406.08464, and the code of magpie-align. Differs:
questions pass Alpaca's gates, and of the filters that follow there, only the colon at a
question's end is here: ratings are the judge's, and neighbours the deduplication's.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, cast

from flows.chat_templates.families import FAMILIES
from flows.chat_templates.reading import read_template
from flows.chat_templates.template import ChatTemplate, Turn
from flows.generators.magpie import parse_query, render_query
from flows.generators.respond import parse_answer, render_chat, with_confidence
from flows.generators.self_instruct import Proposal
from flows.methods.answering import answer_requests, keep_best, reject_unusable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Draft, Job, Step
from flows.methods.proposing import draw_of, propose_task
from flows.store import hash_json
from flows.teachers.embedded import find_weights
from flows.teachers.resolve import recipe_server, recipe_teachers
from quality.formats.parse import Message
from quality.gates import Rejection
from schemas.errors import InputError
from schemas.recipe.generators.magpie import MagpieOptions
from schemas.records import GivenTask, TeacherRequest


class Magpie(Method):
    """Lets the teacher ask itself until enough rows are accepted."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Compute what stands before a user's words.

        Raises:
            InputError: if the template is missing or broken, or a teacher has no `/completions`.
        """
        super().__init__(kit)
        self._options = cast("MagpieOptions", kit.options)
        self._check_endpoint()
        self._template = self._read_template()
        self._heads = {arm: self._template.head(self._systems(arm)) for arm in self._arm_names}
        end = self._template.end_of_turn()
        self._stops = [*([end] if end else []), *(["\n"] if self._options.one_line else [])]

    @property
    def fingerprint(self) -> str:
        """Hash of the template."""
        return hash_json([self._template.source, self._template.bos, self._template.eos])

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the system turns."""
        return tuple(self._options.systems)

    def job(self, position: int, arm: str) -> Job:
        """Have a question written, gate it, answer it, and go on if there are to be more turns."""
        kit = self.kit
        chosen = arm or self._arm_names[position % len(self._arm_names)]
        task = yield from propose_task(
            kit,
            self._request(self._heads[chosen], position),
            lambda reply: parse_query(reply, stops=self._stops),
            arm=chosen,
            check=self._check,
        )
        if isinstance(task, Draft):
            return [task]
        replies = yield Ask(answer_requests(kit, task))
        drafts = keep_best(kit.profile, task, replies)
        best = next((draft for draft in drafts if draft.rejection is None), None)
        if best is None or self._options.n_turns == 1:
            return drafts
        longer = yield from self._go_on(position, chosen, task, best)
        return [longer if draft is best else draft for draft in drafts]

    def forecast(self) -> Forecast:
        """Enough questions for the target, and the answers to those that pass."""
        profile, options = self.kit.profile, self._options
        tasks = math.ceil(options.target / profile.answer_yield)
        asked = math.ceil(tasks / profile.gate_yield)
        head = self._heads[self._arm_names[0]]
        known = (self._request(head, position) for position in range(asked))
        later = (options.n_turns - 1) * tasks
        return Forecast(
            [
                Wave(asked, known, reply_bytes=120, limit=self.kit.profile.proposal_max_tokens),
                Wave(
                    tasks * profile.answers_per_task + 2 * later,
                    prompt_bytes=200,
                    limit=self.kit.max_tokens,
                ),
            ],
            rows=options.target,
            assumptions=f"{profile.gate_yield:.0%} of the questions pass the gates, "
            f"{profile.answer_yield:.0%} of answered ones every rule",
        )

    def _go_on(
        self, position: int, arm: str, task: GivenTask, best: Draft
    ) -> Generator[Step, Any, Draft]:
        """Add turns to a first exchange until there are enough, or one fails."""
        first = f"{task.instruction}\n\n{task.input}" if task.input else task.instruction
        turns: list[Message] = [
            {"role": "user", "content": first},
            {"role": "assistant", "content": best.output or ""},
        ]
        draft, keys, stop = best, [], "n_turns"
        for _ in range(self._options.n_turns - 1):
            head = self._template.head([*self._systems(arm), *turns])
            (asked,) = yield Ask([self._request(head, position)])
            keys.append(asked.key)
            found = parse_query(asked, stops=self._stops) if asked.error is None else None
            if found is None or found.truncated or self._check(found) is not None:
                stop = "no_question"
                break
            question: Message = {"role": "user", "content": found.instruction}
            (reply,) = yield Ask([self._answer_request([*turns, question])])
            keys.append(reply.key)
            if reject_unusable(reply) is not None:
                stop = "no_answer"
                break
            turns += [question, {"role": "assistant", "content": parse_answer(reply)}]
            draft = replace(draft, reply=reply)
        about = {**(best.about or {}), "turns": len(turns) // 2, "stop": stop, "asked": keys}
        if best.reply is not None:
            about["first_answer"] = best.reply.key
        return replace(draft, messages=turns, about=about)

    def _check(self, found: Proposal) -> Rejection | None:
        """The rules for questions that the gates do not know."""
        if found.instruction.endswith(":"):
            return Rejection("ends_with_colon", evidence=found.instruction[-100:])
        end = self._template.end_of_turn()
        if end and end in found.instruction:
            return Rejection("control_token", evidence=end)
        return None

    def _check_endpoint(self) -> None:
        """Any of the teachers may be asked, so all of them must be able to continue a text."""
        session = self.kit.session
        options = recipe_teachers(session.recipe)
        for identity, teacher in zip(session.teacher_identities, options, strict=True):
            if not recipe_server(identity, teacher).completions:
                msg = (
                    "expected a teacher with the endpoint /completions for generator "
                    f"{self.kit.name!r}, got {identity}, which has none: use a local server such "
                    "as vLLM or llama.cpp, or set supports: {completions: true}"
                )
                raise InputError(msg)

    def _read_template(self) -> ChatTemplate:
        name, writes_bos = self._options.template, self._options.writes_bos
        if name in FAMILIES:
            return read_template(name, None, writes_bos=writes_bos)
        if name != "auto":
            path = self.kit.session.resolve_path(name)
            return read_template(name, path, writes_bos=writes_bos)
        teachers = self.kit.session.teacher_identities
        if not all(teacher.is_embedded for teacher in teachers):
            msg = (
                f"expected the chat template of {teachers[0].model!r} in 'template' of generator "
                f"{self.kit.name!r}, got 'auto': name one of {', '.join(FAMILIES)}, or a Jinja "
                "file, tokenizer_config.json or GGUF file of the model"
            )
            raise InputError(msg)
        return read_template("the embedded model", find_weights(), writes_bos=writes_bos)

    @property
    def _arm_names(self) -> Sequence[str]:
        return self.arms or ("",)

    def _systems(self, arm: str) -> list[Turn]:
        text = self._options.systems.get(arm)
        return [{"role": "system", "content": text}] if text else []

    def _request(self, head: str, position: int) -> TeacherRequest:
        request = render_query(
            head,
            stops=self._stops,
            draw=draw_of(self.kit.profile, position),
        )
        wants = self.kit.profile.min_task_confidence is not None
        return with_confidence(request) if wants else request

    def _answer_request(self, turns: Sequence[Message]) -> TeacherRequest:
        kit = self.kit
        return render_chat(
            turns,
            system=kit.profile.system,
            temperature=kit.temperature,
            max_tokens=kit.max_tokens,
            sample=0,
        )
