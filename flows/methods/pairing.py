"""From rated answers to a preference pair, or to answers that make none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from flows.methods.answering import draft_of, reject
from flows.methods.jobs import Draft
from quality.gates import Rejection
from quality.judging.aspects import Ranked
from quality.judging.material import Material, pair_material
from quality.judging.pairs import BothOrders
from quality.judging.verdicts import Abstention
from schemas.records import GivenTask, TeacherReply


class StyledAnswer(NamedTuple):
    """An answer and the manner it was asked for in."""

    reply: TeacherReply
    text: str
    style: str


def shown_answers(task: GivenTask, aspect: str, texts: Sequence[str]) -> Material:
    """Return what a rater of one aspect is shown."""
    return pair_material(f"{task.id} {aspect}", (task.instruction, task.input), texts)


def answer_draft(
    task: GivenTask, answer: StyledAnswer, about: Mapping[str, Any] | None = None
) -> Draft:
    """Return the draft of a task and one of its answers."""
    made = draft_of(task, answer.reply)
    return replace(made, arm=answer.style, about={**task.about, **(about or {})})


def doubt_of(verdict: BothOrders) -> Rejection | None:
    """Say why a comparison does not confirm the ratings."""
    said = (verdict.forward, verdict.backward)
    silent = [item.why for item in said if isinstance(item, Abstention)]
    if silent:
        return Rejection("raters_abstained", len(silent), 0, f"comparison: {', '.join(silent)}")
    if verdict.winner == "a":
        return None
    why = "neither order agrees on one" if verdict.winner == "tie" else "the other one is better"
    return Rejection("raters_disagree", evidence=f"ratings name a best answer, comparison: {why}")


def _without_pair(
    task: GivenTask, answers: Sequence[StyledAnswer], rejection: Rejection, notes: Mapping[str, Any]
) -> Iterator[Draft]:
    """Every answer stays in the books, each with the ratings of all."""
    for place, answer in enumerate(answers):
        yield reject(answer_draft(task, answer, {**notes, "answer": place}), rejection)


def make_pair(
    task: GivenTask,
    answers: Sequence[StyledAnswer],
    ranked: Ranked | Rejection,
    notes: Mapping[str, Any],
) -> Iterator[Draft]:
    """Yield the row of best and worst and the answers that are in none.

    Args:
        task: that was answered.
        answers: to it.
        ranked: which of them makes the pair, or why none does.
        notes: what is known of all of them.
    """
    if isinstance(ranked, Rejection):
        return _without_pair(task, answers, ranked, notes)
    return _with_pair(task, answers, ranked, notes)


def _with_pair(
    task: GivenTask, answers: Sequence[StyledAnswer], ranked: Ranked, notes: Mapping[str, Any]
) -> Iterator[Draft]:
    """Yield the row of best and worst, then the answers between them."""
    chosen, rejected = answers[ranked.best], answers[ranked.worst]
    about = {
        **notes,
        "chosen": ranked.best,
        "rejected": ranked.worst,
        "rejected_key": rejected.reply.key,
        "rejected_model": rejected.reply.model,
        "length_difference": len(chosen.text) - len(rejected.text),
    }
    yield replace(answer_draft(task, chosen, about), rejected=rejected.text)
    best = ranked.means[ranked.best]
    for place, answer in enumerate(answers):
        if place not in (ranked.best, ranked.worst):
            lost = Rejection("not_best_answer", ranked.means[place], best)
            yield reject(answer_draft(task, answer, {**notes, "answer": place}), lost)
