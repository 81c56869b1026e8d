"""Rejection sampling: several answers, of which the best is kept if it is good enough.

Source: Touvron et al. 2023 (Llama 2), https://arxiv.org/abs/2307.09288, section 3.2.3. Differs:
beside a model of the user's own, judges, references and the teacher's confidence may rate, and an
answer that nothing could rate is named instead of ranked.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from flows.generators.respond import parse_answer, render_answer, with_confidence
from flows.methods.answering import draft_of, reject, reject_unusable
from flows.methods.base import Forecast, Kit, Wave
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.over_tasks import OverTasks
from flows.methods.raters import Answers, make_rater
from flows.store import hash_file
from quality.gates import Rejection
from schemas.recipe.generators.best_of import BestOfOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

#: Score below which no answer is kept, where the recipe names none.
_USUAL_BARS = {"judge": 3.5, "student": 0.5, "verifier": 1.0, "confidence": None}
_LEAST_TEMPERATURE = 0.7  # equal answers leave no choice


class BestOf(OverTasks):
    """Goes over tasks once."""

    def __init__(self, kit: Kit) -> None:
        """Read the tasks, and the student where one rates.

        Raises:
            InputError: if the prompts or the student cannot be read.
        """
        super().__init__(kit)
        self._options = options = cast("BestOfOptions", kit.options)
        self._rater = make_rater(kit, options, self.given.tasks)
        usual = _USUAL_BARS[options.by]
        self._bar = usual if options.min_score is None else options.min_score

    @property
    def fingerprint(self) -> list[str | None]:
        """Hash of the prompts, and of the student."""
        student = self._options.student
        path = None if student is None else self.kit.session.resolve_path(student)
        return [self.given.fingerprint, None if path is None else hash_file(path)]

    def forecast(self) -> Forecast:
        """Answers, and what is asked to rate them."""
        tasks, options = self.given.tasks, self._options
        asked = (request for task in tasks for request in self._answer_requests(task))
        number = len(tasks) * options.answers_per_task
        waves = [Wave(number, asked, limit=self.kit.max_tokens)]
        if options.by == "judge":
            shown = self.kit.max_tokens * 2.0 + 1_500
            limit = options.rating_max_tokens
            waves.append(Wave(number, prompt_bytes=shown, reply_bytes=300, limit=limit))
        share = self.kit.profile.answer_yield
        return Forecast(
            waves,
            rows=round(len(tasks) * share),
            assumptions=f"{share:.0%} of tasks have a good answer; rows of generators before not "
            "counted",
        )

    def job_of(self, task: GivenTask) -> Job:
        """Ask for answers, have them rated, keep the best."""
        replies = yield Ask(self._answer_requests(task))
        drafts, usable = [], list[TeacherReply]()
        for reply in replies:
            rejection = _unusable(reply)
            if rejection is None:
                usable.append(reply)
            else:
                drafts.append(draft_of(task, reply, rejection))
        given = Answers(task, usable)
        scores, keys = yield from self._rater.rate(given)
        notes: dict[str, Any] = {
            "by": self._options.by,
            "scores": [None if score is None else round(score, 4) for score in scores],
            "asked": len(replies),
            "rating_keys": keys,
        }
        return drafts + self._ranked(task, usable, scores, notes)

    def _ranked(
        self,
        task: GivenTask,
        replies: Sequence[TeacherReply],
        scores: Sequence[float | None],
        notes: dict[str, Any],
    ) -> list[Draft]:
        """Keep the first of the best; each of the others says what it lacked."""
        rated = [(score, place) for place, score in enumerate(scores) if score is not None]
        order = sorted(rated, key=lambda item: (-item[0], item[1]))
        ranks = {place: rank for rank, (_, place) in enumerate(order, start=1)}
        best = order[0][0] if order else None
        reached = sum(self._bar is None or score >= self._bar for score, _ in rated)
        found = []
        for place, (reply, score) in enumerate(zip(replies, scores, strict=True)):
            about = {
                **task.about,
                **notes,
                "answer": place,
                "rank": ranks.get(place),
                "reached_bar": reached,
            }
            draft = replace(draft_of(task, reply), about=about)
            rejection = self._lacks(score, best, is_first=ranks.get(place) == 1)
            found.append(draft if rejection is None else reject(draft, rejection))
        return found

    def _lacks(
        self, score: float | None, best: float | None, *, is_first: bool
    ) -> Rejection | None:
        if score is None:
            return Rejection("no_score", evidence=f"{self._options.by} could not rate it")
        if self._bar is not None and score < self._bar:
            return Rejection("low_score", score, self._bar)
        return None if is_first else Rejection("not_best_answer", score, best)

    def _answer_requests(self, task: GivenTask) -> list[TeacherRequest]:
        stated = self._options.answer_temperature
        warm = max(self.kit.temperature, _LEAST_TEMPERATURE) if stated is None else stated
        requests = [
            render_answer(
                task.instruction,
                task.input,
                system=task.system or self.kit.profile.system,
                temperature=warm,
                max_tokens=self.kit.max_tokens,
                sample=sample,
            )
            for sample in range(self._options.answers_per_task)
        ]
        if self._options.by != "confidence":
            return requests
        return [with_confidence(request) for request in requests]


def _unusable(reply: TeacherReply) -> Rejection | None:
    rejection = reject_unusable(reply)
    if rejection is None and not parse_answer(reply):
        return Rejection("empty_answer")
    return rejection
