"""Tasks that code made, answered by the teacher, verified by code.

Source: Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, for constraints of form; Cobbe
et al. 2021 (GSM8K) for final numbers; Chen et al. 2021 (HumanEval) for hidden tests. Differs: what
cannot be told is a third verdict, and no row.
"""

import math
from collections.abc import Generator
from typing import cast

from flows.generators.respond import parse_answer, render_answer
from flows.generators.verifiable import CheckedTask, Material, list_arms, make_task
from flows.methods.answering import draft_of, reject_unusable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Draft, Job, Work
from flows.methods.verifying import check_can_run, verify_answer
from flows.sandbox.check import Verdict
from flows.sandbox.run import Limits
from flows.seeds import load_topics
from flows.store import hash_json
from quality.gates import Rejection
from quality.ids import content_id
from quality.verifiers import verify
from schemas.errors import InputError
from schemas.recipe.generators.verifiable import VerifiableOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

_SHOWN = 160  # characters of an answer in evidence


class Verifiable(Method):
    """Makes up tasks with a check until enough answers pass."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Read the topics.

        Raises:
            InputError: if no family has words in the recipe's languages, or programs cannot be run
                here.
        """
        super().__init__(kit)
        self._options = cast("VerifiableOptions", kit.options)
        self._arms = list_arms(self._options.families, kit.languages)
        self._material = Material(
            kit.languages, tuple(load_topics(kit.languages)), self._options.max_constraints
        )
        self.first_questions = kit.profile.answers_per_task
        if not self._arms:
            msg = (
                f"expected tasks of {list(self._options.families)} in {list(kit.languages)}, got "
                "none: arithmetic is there in en and de, the others in en"
            )
            raise InputError(msg)
        if "python" in self._options.families:
            check_can_run(kit.name, "leave python out of its families")

    @property
    def fingerprint(self) -> str:
        """Hash of the topics."""
        return hash_json(self._material.topics)

    @property
    def arms(self) -> tuple[str, ...]:
        """The kinds of tasks."""
        return self._arms

    def job(self, position: int, arm: str) -> Job:
        """Make a task, have it answered, verify the answers, keep the first right one."""
        arm = arm or self._arms[position % len(self._arms)]
        made = self._make(position, arm)
        task = self._given(made, arm)
        replies = yield Ask(self._requests(task, arm))
        drafts: list[Draft] = []
        is_found = False
        for reply in replies:
            rejection = reject_unusable(reply)
            if rejection is None:
                rejection = yield from self._judge(made, reply)
            if rejection is None and is_found:
                rejection = Rejection("not_best_answer", evidence="an earlier answer passed")
            is_found |= rejection is None
            drafts.append(draft_of(task, reply, rejection))
        return drafts

    def forecast(self) -> Forecast:
        """One wave of answers."""
        profile, target = self.kit.profile, self._options.target
        tasks = math.ceil(target / profile.answer_yield)
        asked = (request for position in range(tasks) for request in self._first(position))
        return Forecast(
            [Wave(tasks * profile.answers_per_task, asked, limit=self.kit.max_tokens)],
            rows=target,
            assumptions=f"{profile.answer_yield:.0%} of answered tasks pass",
        )

    def _first(self, position: int) -> list[TeacherRequest]:
        arm = self._arms[position % len(self._arms)]
        return self._requests(self._given(self._make(position, arm), arm), arm)

    def _make(self, position: int, arm: str) -> CheckedTask:
        return make_task(arm, self._material, self.kit.seed, self.kit.name, position)

    def _given(self, made: CheckedTask, arm: str) -> GivenTask:
        turn = {"role": "user", "content": made.instruction}
        about = {"check": made.check}
        return GivenTask(content_id([turn]), made.instruction, "", arm=arm, about=about)

    def _requests(self, task: GivenTask, arm: str) -> list[TeacherRequest]:
        kit = self.kit
        is_program = arm.startswith("python/") and self._options.answer_max_tokens is None
        least = self._options.program_max_tokens if is_program else 0
        return [
            render_answer(
                task.instruction,
                "",
                system=kit.profile.system,
                temperature=kit.temperature,
                max_tokens=max(kit.max_tokens, least),
                sample=sample,
            )
            for sample in range(kit.profile.answers_per_task)
        ]

    def _judge(
        self, made: CheckedTask, reply: TeacherReply
    ) -> Generator[Work, Verdict, Rejection | None]:
        """Verify an answer."""
        answer, options = parse_answer(reply), self._options
        limits = Limits(seconds=options.run_seconds, memory_mb=options.run_memory_mb)
        found = yield from verify_answer(made.check, answer, limits)
        return _reject(found.passed, found.detail or _describe(made, answer))


def _reject(passed: bool | None, evidence: str) -> Rejection | None:  # noqa: FBT001  a verdict
    """An answer that nobody can verify is no right one."""
    if passed:
        return None
    return Rejection("wrong_answer" if passed is False else "unverified_answer", evidence=evidence)


def _describe(made: CheckedTask, answer: str) -> str:
    """Say what was expected, and what came."""
    shown = " ".join(answer.split())[-_SHOWN:]
    if made.check["kind"] == "number":
        return f"expected {made.check['expected']}, got {shown!r}"
    checks = made.check.get("checks", [made.check])
    failed = [check["kind"] for check in checks if verify(check, answer) is not True]
    return f"{', '.join(failed)}: {shown!r}"
