"""Tasks as many people would ask them: a person and a kind of task a job."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from flows.generators.persona import parse_task, render_task, show_persona
from flows.generators.respond import with_confidence
from flows.methods.answering import answer_requests, keep_best
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.proposing import draw_of, is_small, propose_task
from flows.personas import load_personas
from flows.store import hash_json
from schemas.recipe.generators.persona import PersonaOptions
from schemas.records import TeacherRequest


class Persona(Method):
    """Lets one person after the other ask something."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Read the persons.

        Raises:
            InputError: if the file cannot be read, or there is nobody in it.
        """
        super().__init__(kit)
        self._options = cast("PersonaOptions", kit.options)
        self._personas = load_personas(kit.session, self._options)
        random.Random(f"{kit.seed}:{kit.name}").shuffle(self._personas)

    @property
    def fingerprint(self) -> str:
        """Hash of the persons."""
        return hash_json(self._personas)

    @property
    def arms(self) -> tuple[str, ...]:
        """The kinds of tasks."""
        return self._options.tasks

    def job(self, position: int, arm: str) -> Job:
        """Let a person ask, gate what they ask, answer it."""
        kit = self.kit
        kind, persona = self._choose(position, arm)
        language = kit.languages[position % len(kit.languages)]
        task = yield from propose_task(
            kit,
            self._request(position, kind, persona, language),
            lambda reply: parse_task(reply, is_small=is_small(kit.profile)),
            arm=kind,
            about={"persona": persona, "task": kind},
        )
        if isinstance(task, Draft):
            return [task]
        if self._options.show_persona:
            shown = show_persona(task.instruction, persona, language=language)
            task = replace(task, instruction=shown)
        replies = yield Ask(answer_requests(kit, task))
        return keep_best(kit.profile, task, replies)

    def forecast(self) -> Forecast:
        """Enough questions for the target, and the answers to those that pass."""
        profile, options = self.kit.profile, self._options
        tasks = math.ceil(options.target / profile.answer_yield)
        asked = math.ceil(tasks / profile.gate_yield)
        language = self.kit.languages[0]
        known = (
            self._request(position, *self._choose(position, ""), language)
            for position in range(asked)
        )
        return Forecast(
            [
                Wave(asked, known, limit=self.kit.profile.proposal_max_tokens),
                Wave(tasks * profile.answers_per_task, prompt_bytes=300, limit=self.kit.max_tokens),
            ],
            rows=options.target,
            assumptions=f"{profile.gate_yield:.0%} of what persons ask passes the gates, "
            f"{profile.answer_yield:.0%} of answered ones every rule",
        )

    def _choose(self, position: int, arm: str) -> tuple[str, str]:
        """A kind of task and a person: each person comes once before any comes again."""
        turn, place = divmod(position, len(self._personas))
        kinds: Sequence[str] = self._options.tasks
        return arm or kinds[(place + turn) % len(kinds)], self._personas[place]

    def _request(self, position: int, kind: str, persona: str, language: str) -> TeacherRequest:
        profile = self.kit.profile
        request = render_task(
            persona,
            kind=kind,
            language=language,
            is_small=is_small(profile),
            draw=draw_of(self.kit.profile, position),
        )
        wants = profile.min_task_confidence is not None
        return with_confidence(request) if wants else request
