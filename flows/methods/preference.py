"""Preference pairs: several answers, rated aspect by aspect, the verdict checked by comparison.

Source: Cui et al. 2023 (UltraFeedback), https://arxiv.org/abs/2310.01377. Differs: best and worst
are compared once more in both orders and make a pair only if that agrees; ties, abstentions and
disagreement make none. Right answers over wrong ones: Lambert et al. 2024 (Tulu 3),
https://arxiv.org/abs/2411.15124, section 5. Differs: what cannot be verified is in no pair.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

from flows.generators.preference import STYLES, parse_aspect, render_aspect
from flows.generators.respond import draw_seed, parse_answer, render_answer
from flows.judge.prompts import parse_comparison, render_comparison
from flows.methods.answering import reject, reject_unusable
from flows.methods.base import Forecast, Kit, Wave
from flows.methods.jobs import Ask, Draft, Job, Work
from flows.methods.over_tasks import OverTasks
from flows.methods.pairing import (
    StyledAnswer,
    answer_draft,
    doubt_of,
    make_pair,
    shown_answers,
)
from flows.methods.raters import Answers, VerifierRater
from quality.gates import Rejection
from quality.judging.aspects import Ranked, rank_by_aspects
from quality.judging.material import Material, pair_material
from quality.judging.pairs import BothOrders
from quality.judging.verdicts import Abstention
from schemas.recipe.generators.preference import PreferenceOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

#: A part of a job that says which answers make the pair, or why none do.
Ranking: TypeAlias = Generator[Ask | Work, Any, Ranked | Rejection]

_RATING_BYTES = 300  # of a verdict with its reasons


class Preference(OverTasks):
    """Goes over tasks once."""

    def __init__(self, kit: Kit) -> None:
        """Read the tasks.

        Raises:
            InputError: if the prompts cannot be read, or programs are to be run and cannot be here.
        """
        super().__init__(kit)
        self._options = options = cast("PreferenceOptions", kit.options)
        is_verified = options.by == "verifier"
        self._verifier = VerifierRater(kit, self.given.tasks) if is_verified else None

    @property
    def arms(self) -> tuple[str, ...]:
        """The manners of answering."""
        return self._options.styles

    def forecast(self) -> Forecast:
        """Answers; by the teachers, a rating for each aspect and two comparisons."""
        tasks, options = self.given.tasks, self._options
        asked = (request for task in tasks for request in self._answer_requests(task))
        answers = len(tasks) * options.answers_per_task
        shown = self.kit.max_tokens * 2.0 * options.answers_per_task + 1_500
        waves = [Wave(answers, asked, limit=self.kit.max_tokens)]
        ratings = Wave(
            len(tasks) * len(options.aspects),
            prompt_bytes=shown,
            reply_bytes=_RATING_BYTES,
            limit=options.rating_max_tokens,
        )
        if options.by == "aspects":
            comparisons = replace(ratings, number=2 * len(tasks), prompt_bytes=shown / 2)
            waves += [ratings, comparisons]
        return Forecast(
            waves,
            rows=len(tasks) // 2,
            assumptions="half of the tasks give a pair; rows of generators before are not counted",
        )

    def job_of(self, task: GivenTask) -> Job:
        """Ask for answers, have them ranked, take the best and the worst."""
        replies = yield Ask(self._answer_requests(task))
        drafts, answers = self._sort_out(task, replies)
        scores: dict[str, Sequence[float]] = {}
        if self._verifier is not None:
            unknown, answers, scores["verifier"] = yield from self._verify(task, answers)
            drafts += unknown
        if len(answers) < 2:
            few = Rejection("too_few_answers", len(answers), 2)
            return [*drafts, *(reject(answer_draft(task, answer), few) for answer in answers)]
        notes: dict[str, Any] = {"styles": [answer.style for answer in answers], "ratings": scores}
        ranked = self._rank(scores, notes) if scores else None
        if ranked is None:
            ranked = yield from self._rated(task, answers, notes)
        return [*drafts, *make_pair(task, answers, ranked, notes)]

    def _verify(
        self, task: GivenTask, answers: Sequence[StyledAnswer]
    ) -> Generator[Ask | Work, Any, tuple[list[Draft], list[StyledAnswer], list[float]]]:
        """Return drafts of answers that cannot be verified, the other answers and their scores."""
        assert self._verifier is not None  # noqa: S101  see the caller
        said = yield from self._verifier.rate(Answers(task, [item.reply for item in answers]))
        mute = Rejection("no_score", evidence="verifier could not rate it")
        unknown, known, scores = list[Draft](), list[StyledAnswer](), list[float]()
        for answer, score in zip(answers, said.scores, strict=True):
            if score is None:
                unknown.append(reject(answer_draft(task, answer), mute))
            else:
                known.append(answer)
                scores.append(score)
        return unknown, known, scores

    def _rated(
        self, task: GivenTask, answers: Sequence[StyledAnswer], notes: dict[str, Any]
    ) -> Ranking:
        """Rank by the teachers' ratings of each aspect, and have best and worst compared."""
        orders = [self._order(task, aspect, answers) for aspect in self._options.aspects]
        shown = [shown_answers(task, aspect, [answers[place].text for place in order])
                 for aspect, order in zip(self._options.aspects, orders, strict=True)]  # fmt: skip
        rated = yield Ask(
            [
                self._aspect_request(material, aspect, len(answers))
                for material, aspect in zip(shown, self._options.aspects, strict=True)
            ]
        )
        scores, silent = self._read_ratings(shown, orders, rated)
        notes |= {"ratings": scores, "rating_keys": [reply.key for reply in rated]}
        if silent:
            return Rejection("raters_abstained", len(silent), 0, "; ".join(silent)[:200])
        ranked = self._rank(scores, notes)
        if isinstance(ranked, Rejection):
            return ranked
        best, worst = answers[ranked.best].text, answers[ranked.worst].text
        asked = task.instruction, task.input
        pairs = [pair_material(task.id, asked, texts) for texts in ([best, worst], [worst, best])]
        compared = yield Ask([self._comparison_request(item) for item in pairs])
        seed = self.kit.seed
        verdict = BothOrders(
            *(
                parse_comparison(reply, item, seed=seed)
                for reply, item in zip(compared, pairs, strict=True)
            )
        )
        notes["comparison_keys"] = [reply.key for reply in compared]
        return doubt_of(verdict) or ranked

    def _rank(
        self, scores: Mapping[str, Sequence[float]], notes: dict[str, Any]
    ) -> Ranked | Rejection:
        """Find best and worst, which must be some way apart."""
        ranked = rank_by_aspects(scores)
        notes |= {"means": list(ranked.means), "margin": ranked.margin}
        if ranked.margin < self._options.min_margin:
            return Rejection("answers_tie", ranked.margin, self._options.min_margin)
        return ranked

    def _sort_out(
        self, task: GivenTask, replies: Sequence[TeacherReply]
    ) -> tuple[list[Draft], list[StyledAnswer]]:
        """Reject what is no answer, or the same answer again."""
        drafts, answers = [], list[StyledAnswer]()
        for place, reply in enumerate(replies):
            answer = StyledAnswer(
                reply,
                parse_answer(reply) if reply.error is None else "",
                self._style(task, place),
            )
            rejection = reject_unusable(reply)
            if rejection is None and not answer.text:
                rejection = Rejection("empty_answer")
            if rejection is None and any(answer.text == other.text for other in answers):
                rejection = Rejection("same_answer", evidence=answer.text[:200])
            if rejection is None:
                answers.append(answer)
            else:
                drafts.append(reject(answer_draft(task, answer), rejection))
        return drafts, answers

    def _read_ratings(
        self,
        shown: Sequence[Material],
        orders: Sequence[Sequence[int]],
        replies: Sequence[TeacherReply],
    ) -> tuple[dict[str, list[int]], list[str]]:
        """Return scores by aspect in the order of the answers, and who gave none and why."""
        scores: dict[str, list[int]] = {}
        silent = []
        for aspect, material, order, reply in zip(
            self._options.aspects, shown, orders, replies, strict=True
        ):
            said = parse_aspect(reply, material, number=len(order), seed=self.kit.seed)
            if isinstance(said, Abstention):
                silent.append(f"{aspect}: {said.why}")
            else:
                by_answer = dict(zip(order, said, strict=True))
                scores[aspect] = [by_answer[place] for place in range(len(order))]
        return scores, silent

    def _answer_requests(self, task: GivenTask) -> list[TeacherRequest]:
        options, requests = self._options, []
        for place in range(options.answers_per_task):
            asked = [task.system or self.kit.profile.system, STYLES[self._style(task, place)]]
            requests.append(
                render_answer(
                    task.instruction,
                    task.input,
                    system="\n".join(text for text in asked if text) or None,
                    temperature=options.temperatures[place % len(options.temperatures)],
                    max_tokens=self.kit.max_tokens,
                    sample=place,
                )
            )
        return requests

    def _aspect_request(self, material: Material, aspect: str, number: int) -> TeacherRequest:
        return render_aspect(
            material,
            aspect,
            number=number,
            max_tokens=self._options.rating_max_tokens,
            seed=self.kit.seed,
        )

    def _comparison_request(self, material: Material) -> TeacherRequest:
        limit = self._options.rating_max_tokens
        return render_comparison(material, max_tokens=limit, seed=self.kit.seed)

    def _style(self, task: GivenTask, place: int) -> str:
        """Styles come in turn, from another one on for each task."""
        styles = self._options.styles
        return styles[(draw_seed(self.kit.seed, task.id) + place) % len(styles)]

    def _order(self, task: GivenTask, aspect: str, answers: Sequence[StyledAnswer]) -> list[int]:
        """The order in which answers are shown: another one for each aspect."""
        seed = self.kit.seed
        places = range(len(answers))
        return sorted(
            places, key=lambda place: (draw_seed(seed, task.id, aspect, str(place)), place)
        )
