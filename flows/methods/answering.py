"""Answers to a task: asked, read, and the best of several kept. Shared by many methods."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from flows.generators.profiles import Profile
from flows.generators.respond import parse_answer, read_confidence, render_answer, with_confidence
from flows.methods.base import Kit
from flows.methods.jobs import Ask, Draft, Job
from flows.prompts import Prompts
from quality.formats.parse import single_exchange
from quality.gates import Rejection
from quality.scorers.consistency import RankedAnswer, rank_answers
from quality.scorers.echo import echo
from schemas.frames import ROWS
from schemas.records import GivenTask, TeacherReply, TeacherRequest


def answer_requests(kit: Kit, task: GivenTask) -> list[TeacherRequest]:
    """Render the requests for the answers to a task, as many as the profile wants of each."""
    profile = kit.profile
    requests = [
        render_answer(
            task.instruction,
            task.input,
            system=task.system or profile.system,
            temperature=kit.temperature,
            max_tokens=kit.max_tokens,
            sample=sample,
        )
        for sample in range(profile.answers_per_task)
    ]
    return [with_confidence(item) for item in requests] if profile.asks_confidence else requests


def answer(kit: Kit, task: GivenTask) -> Job:
    """Ask for the answers to a task and keep the best."""
    replies = yield Ask(answer_requests(kit, task))
    return keep_best(kit.profile, task, replies)


def keep_best(profile: Profile, task: GivenTask, replies: Sequence[TeacherReply]) -> list[Draft]:
    """Reject unusable answers by name; of the others keep the best if it is good enough.

    Args:
        profile: with the bars.
        task: what was asked.
        replies: to `answer_requests`.

    Returns:
        A draft for each reply, the best of them a row unless it is below a bar.
    """
    drafts: list[Draft] = []
    usable = []
    for reply in replies:
        rejection = reject_unusable(reply)
        if rejection is None:
            usable.append(reply)
        else:
            drafts.append(draft_of(task, reply, rejection))
    if not usable:
        return drafts
    ranked = rank_answers(
        [parse_answer(reply) for reply in usable],
        confidences=[read_confidence(reply) for reply in usable],
    )
    best = ranked[0]
    drafts.append(_judged(draft_of(task, usable[best.index]), best, profile))
    for other in ranked[1:]:
        value, bar = other.confidence, best.confidence
        if value is None:
            value, bar = other.agreement, best.agreement
        rejection = Rejection("not_best_answer", value, bar)
        drafts.append(draft_of(task, usable[other.index], rejection))
    return drafts


def draft_of(task: GivenTask, reply: TeacherReply, rejection: Rejection | None = None) -> Draft:
    """Return the draft of a task and its answer."""
    return Draft(
        reply,
        instruction=task.instruction,
        input=task.input,
        output=parse_answer(reply) if reply.error is None else "",
        system=task.system,
        parents=task.parents,
        arm=task.arm,
        about=task.about,
        license=task.license,
        rejection=rejection,
    )


def quarantine_unreadable(prompts: Prompts) -> Iterator[Draft]:
    """Yield what is no prompt in files of prompts."""
    for found in prompts.unreadable:
        evidence = f"{found.file}, line {found.line or 0}: {found.detail}"
        rejection = Rejection(found.rule, evidence=evidence)
        yield Draft(None, raw=found.raw, rejection=rejection, action="quarantine")


def reject_unusable(reply: TeacherReply) -> Rejection | None:
    """Name why a reply is no answer: it failed, or its token limit cut it."""
    if reply.error is not None:
        return Rejection("teacher_error", evidence=reply.error)
    if reply.finish_reason == "length":
        return Rejection("truncated_answer", float(reply.completion_tokens))
    return None


def _judged(draft: Draft, answer: RankedAnswer, profile: Profile) -> Draft:
    rejection = _too_weak(draft, answer, profile)
    return draft if rejection is None else reject(draft, rejection)


def reject(draft: Draft, rejection: Rejection) -> Draft:
    """Return a draft that is no row."""
    return replace(draft, rejection=rejection)


def _too_weak(draft: Draft, answer: RankedAnswer, profile: Profile) -> Rejection | None:
    """A bar counts only where its signal is there: a missing one is no bad one."""
    echoed = None
    if profile.max_echo is not None:
        echoed = _echo(draft)
    bars = (
        ("low_confidence", answer.confidence, profile.min_confidence),
        ("low_agreement", answer.agreement, profile.min_agreement),
    )
    for rule, value, bar in bars:
        if value is not None and bar is not None and value < bar:
            return Rejection(rule, value, bar)
    if echoed is not None and profile.max_echo is not None and echoed > profile.max_echo:
        return Rejection("echoes_task", echoed, profile.max_echo)
    return None


def _echo(draft: Draft) -> float | None:
    parsed = single_exchange(
        system=draft.system,
        instruction=draft.instruction,
        context=draft.input,
        output=draft.output or "",
    )
    row = {
        "system": parsed.system,
        "instruction": parsed.instruction,
        "input": parsed.input,
        "output": parsed.output,
        "messages": list(parsed.messages),
    }
    frame = pl.DataFrame([row], schema={name: ROWS[name] for name in row})
    found: float | None = echo(frame)[0]
    return found
