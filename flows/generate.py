"""Generation: rounds of proposals, gates and answers, used in the order of the requests."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from flows.generators.profiles import Profile, resolve_profile
from flows.generators.respond import parse_answer, read_confidence, render_answer, with_confidence
from flows.generators.self_instruct import (
    Proposal,
    parse_proposals,
    parse_topic_proposal,
    render_proposals,
    render_topic_proposal,
)
from flows.prompts import Prompts
from flows.seeds import fits, load_seeds, load_topics
from flows.session import Session
from flows.store import StageOutput
from quality.formats.parse import single_exchange
from quality.gates import InstructionGates, Rejection
from quality.ids import content_id
from quality.scorers.consistency import RankedAnswer, rank_answers
from quality.scorers.echo import echo
from schemas.errors import InputError
from schemas.frames import DECISIONS, ROWS
from schemas.recipe import RespondOptions, SelfInstructOptions
from schemas.records import GivenTask, Seed, TeacherReply, TeacherRequest


class Attempt(NamedTuple):
    """A row that was made, and why it is out, if it is."""

    row: dict[str, Any]
    rejection: Rejection | None = None
    action: str = "drop"


@dataclass(slots=True)
class Ledger:
    """Collects attempts and gives each an id that is unique in the run.

    Attributes:
        taken: content ids that earlier stages use, with their number.
    """

    taken: Counter[str]
    attempts: list[Attempt] = field(default_factory=list)

    def add(
        self, row: dict[str, Any], rejection: Rejection | None = None, action: str = "drop"
    ) -> str:
        """Add an attempt and return its id."""
        base = content_id(row["messages"])
        number = self.taken[base]
        self.taken[base] += 1
        row["id"] = base if number == 0 else f"{base}-{number}"
        self.attempts.append(Attempt(row, rejection, action))
        return str(row["id"])

    def output(self, *, reusable: bool, notes: dict[str, Any]) -> StageOutput:
        """Turn the attempts into a stage."""
        kept = [attempt.row for attempt in self.attempts if attempt.rejection is None]
        out = [attempt for attempt in self.attempts if attempt.rejection is not None]
        return StageOutput(
            rows=pl.DataFrame(kept, schema=dict(ROWS)),
            dropped=pl.DataFrame([attempt.row for attempt in out], schema=dict(ROWS)),
            decisions=pl.DataFrame(list(_decisions(out)), schema=dict(DECISIONS), orient="row"),
            rows_in=len(self.attempts),
            reusable=reusable,
            notes=notes,
        )


def self_instruct(
    session: Session, options: SelfInstructOptions, *, plan: Sequence[int], taken: Counter[str]
) -> StageOutput:
    """Run the rounds of `plan`; those already in the journal cost nothing.

    Args:
        session: the run.
        options: of this generator.
        plan: proposal requests of each round.
        taken: content ids of earlier stages.
    """
    profile = profile_of(session, options)
    seeds = load_seeds(session, options)
    gates = InstructionGates(
        ascii_only=set(session.recipe.language) <= {"en"}, avoid=profile.avoid_words
    )
    for seed in seeds:
        gates.add(seed.id, seed.instruction)
    maker = Maker(session, options, profile, Ledger(taken))
    shown = [seed for seed in seeds if fits(seed, profile.categories)]
    done = 0
    for number in plan:
        asked = [
            proposal_request(maker, shown, position) for position in range(done, done + number)
        ]
        done += number
        replies = _ask(session, [item.request for item in asked], "tasks")
        tasks: list[GivenTask] = []
        for proposal, reply in zip(asked, replies, strict=True):
            tasks += _accept(maker, proposal, reply, gates)
        _answer(maker, tasks)
    notes = {"requests_by_round": list(plan)}
    return maker.ledger.output(reusable=not session.teacher.had_passing_fault, notes=notes)


def respond(
    session: Session, options: RespondOptions, *, prompts: Prompts, taken: Counter[str]
) -> StageOutput:
    """Answer given prompts; lines that are none are quarantined."""
    maker = Maker(session, options, profile_of(session, options), Ledger(taken))
    _answer(maker, prompts.tasks)
    for line, rule, detail, raw in prompts.unreadable:
        row = maker.empty_row(TeacherReply(key=""), parents=())
        row |= {"raw": raw, "teacher": None, "request_key": None}
        evidence = f"{options.prompts}, line {line or 0}: {detail}"
        maker.ledger.add(row, Rejection(rule, evidence=evidence), "quarantine")
    return maker.ledger.output(reusable=not session.teacher.had_passing_fault, notes={})


def profile_of(session: Session, options: SelfInstructOptions | RespondOptions) -> Profile:
    """The settings of a generator for the teacher of this run."""
    is_embedded = session.teacher_identity.is_embedded
    return resolve_profile(options, session.recipe.teacher, is_embedded=is_embedded)


@dataclass(frozen=True, slots=True)
class Maker:
    """A generator at work: its run, options, settings and ledger."""

    session: Session
    options: SelfInstructOptions | RespondOptions
    profile: Profile
    ledger: Ledger

    @property
    def name(self) -> str:
        """Source of the rows it makes."""
        return self.options.name or self.options.kind

    def empty_row(self, reply: TeacherReply, *, parents: Sequence[str]) -> dict[str, Any]:
        """A row that says where it comes from and nothing yet."""
        identity = self.session.teacher_identity
        return {
            "id": "",
            "source": self.name,
            "file": None,
            "row": None,
            "license": identity.license,
            "system": "",
            "instruction": "",
            "input": "",
            "output": "",
            "messages": [],
            "teacher": identity.model,
            "request_key": reply.key,
            "parents": list(parents),
            "raw": reply.raw or json.dumps({"error": reply.error}, ensure_ascii=False),
        }

    def answer_row(self, task: GivenTask, reply: TeacherReply) -> dict[str, Any]:
        """The row of a task and its answer."""
        row = self.empty_row(reply, parents=task.parents)
        output = parse_answer(reply) if reply.error is None else ""
        parsed = single_exchange(
            system=task.system, instruction=task.instruction, context=task.input, output=output
        )
        return row | {
            "license": task.license or row["license"],
            "system": parsed.system,
            "instruction": parsed.instruction,
            "input": parsed.input,
            "output": parsed.output,
            "messages": list(parsed.messages),
        }


class Proposed(NamedTuple):
    """A rendered proposal request, the seeds it shows and the first words it gives."""

    request: TeacherRequest
    parents: tuple[str, ...]
    opener: str = ""


def proposal_request(maker: Maker, seeds: Sequence[Seed], position: int) -> Proposed:
    """Render a request for new tasks; it depends on the recipe's seed and the position only."""
    if maker.profile.style == "topics":
        return _topic_request(maker, seeds, position)
    profile = maker.profile
    rng = random.Random(f"{maker.session.recipe.seed}:{maker.name}:{position}")
    shown = rng.sample(list(seeds), k=min(profile.examples_per_prompt, len(seeds)))
    request = render_proposals(
        shown,
        style=profile.style,
        number=profile.proposals_per_request,
        temperature=profile.proposal_temperature,
        max_tokens=profile.proposal_max_tokens,
        sample=position,
    )
    return Proposed(request, tuple(seed.id for seed in shown))


def _topic_request(maker: Maker, seeds: Sequence[Seed], position: int) -> Proposed:
    """Take every topic once before any comes again, each time with first words of some seed."""
    profile = maker.profile
    rng = random.Random(f"{maker.session.recipe.seed}:{maker.name}")
    marked = [seed for seed in seeds if seed.topic]
    shown = rng.sample(marked, k=min(profile.examples_per_prompt, len(marked)))
    topics = load_topics(maker.session.recipe.language)
    rng.shuffle(topics)
    openers = sorted({seed.opener for seed in marked})
    if not topics or not openers:
        languages = list(maker.session.recipe.language)
        msg = (
            f"expected built-in topics and seeds with a topic for style 'topics' in {languages!r}, "
            "got none: use style 'completions' or 'chat'"
        )
        raise InputError(msg)
    opener = random.Random(f"{maker.session.recipe.seed}:{maker.name}:{position}").choice(openers)
    request = render_topic_proposal(
        shown,
        topic=topics[position % len(topics)],
        opener=opener,
        temperature=profile.proposal_temperature,
        max_tokens=profile.proposal_max_tokens,
        sample=position,
    )
    if profile.min_task_confidence is not None:
        request = with_confidence(request)
    return Proposed(request, tuple(seed.id for seed in shown), opener)


def _read_proposals(maker: Maker, proposal: Proposed, reply: TeacherReply) -> list[Proposal]:
    profile = maker.profile
    if profile.style == "topics":
        return parse_topic_proposal(reply, opener=proposal.opener)
    return parse_proposals(reply, style=profile.style, number=profile.proposals_per_request)


def _accept(
    maker: Maker, proposal: Proposed, reply: TeacherReply, gates: InstructionGates
) -> list[GivenTask]:
    """Gate the tasks of one reply, in their order."""
    row = maker.empty_row(reply, parents=proposal.parents)
    if reply.error is not None:
        maker.ledger.add(row, Rejection("teacher_error", evidence=reply.error))
        return []
    found = _read_proposals(maker, proposal, reply)
    unlikely = _unlikely_task(reply, maker.profile)
    if not found:
        maker.ledger.add(row, Rejection("unparsable_reply", evidence=reply.text[:200]))
    accepted = []
    for item in found:
        row = maker.empty_row(reply, parents=proposal.parents)
        row |= {"instruction": item.instruction, "input": item.input}
        row["messages"] = _messages("", item.instruction, item.input)
        rejection = unlikely or gates.check(item.instruction, is_truncated=item.truncated)
        if rejection is not None:
            maker.ledger.add(row, rejection)
            continue
        task_id = content_id(row["messages"])
        gates.add(task_id, item.instruction)
        accepted.append(GivenTask(task_id, item.instruction, item.input, proposal.parents))
    return accepted


def _answer(maker: Maker, tasks: Sequence[GivenTask]) -> None:
    """Ask for every task's answers at once, then keep the best of each task."""
    number = maker.profile.answers_per_task
    requests = [_answer_request(maker, task, sample) for task in tasks for sample in range(number)]
    replies = iter(_ask(maker.session, requests, "answers"))
    for task in tasks:
        _keep_best(maker, task, [next(replies) for _ in range(number)])


def _answer_request(maker: Maker, task: GivenTask, sample: int) -> TeacherRequest:
    profile = maker.profile
    request = render_answer(
        task.instruction,
        task.input,
        system=task.system or profile.system,
        temperature=profile.answer_temperature or 0.0,
        max_tokens=profile.answer_max_tokens or maker.session.recipe.teacher.max_tokens,
        sample=sample,
    )
    return with_confidence(request) if profile.asks_confidence else request


def _keep_best(maker: Maker, task: GivenTask, replies: Sequence[TeacherReply]) -> None:
    """Reject unusable answers by name; of the others keep the best if it is good enough."""
    usable = []
    for reply in replies:
        rejection = _unusable(reply)
        if rejection is None:
            usable.append(reply)
        else:
            maker.ledger.add(maker.answer_row(task, reply), rejection)
    if not usable:
        return
    ranked = rank_answers(
        [parse_answer(reply) for reply in usable],
        confidences=[read_confidence(reply) for reply in usable],
    )
    best = ranked[0]
    row = maker.answer_row(task, usable[best.index])
    maker.ledger.add(row, _too_weak(best, row, maker.profile))
    for answer in ranked[1:]:
        value, bar = answer.confidence, best.confidence
        if value is None:
            value, bar = answer.agreement, best.agreement
        maker.ledger.add(
            maker.answer_row(task, usable[answer.index]), Rejection("not_best_answer", value, bar)
        )


def _unusable(reply: TeacherReply) -> Rejection | None:
    if reply.error is not None:
        return Rejection("teacher_error", evidence=reply.error)
    if reply.finish_reason == "length":
        return Rejection("truncated_answer", float(reply.completion_tokens))
    return None


def _too_weak(answer: RankedAnswer, row: Mapping[str, Any], profile: Profile) -> Rejection | None:
    """A bar counts only where its signal is there: a missing one is no bad one."""
    echoed = None
    if profile.max_echo is not None:
        echoed = echo(pl.DataFrame([row], schema=dict(ROWS)))[0]
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


def _unlikely_task(reply: TeacherReply, profile: Profile) -> Rejection | None:
    """Reject a task that its own teacher found improbable while writing it."""
    bar, value = profile.min_task_confidence, read_confidence(reply)
    if bar is None or value is None or value >= bar or profile.proposals_per_request > 1:
        return None
    return Rejection("unlikely_task", value, bar)


def _ask(session: Session, requests: Sequence[TeacherRequest], label: str) -> list[TeacherReply]:
    advance = session.progress.start(label, len(requests))
    return asyncio.run(session.teacher.ask_all(requests, on_reply=advance))


def _messages(system: str, instruction: str, context: str) -> list[dict[str, str]]:
    """The turns of a task that has no answer yet."""
    parsed = single_exchange(system=system, instruction=instruction, context=context, output="")
    return list(parsed.messages[:-1])


def _decisions(attempts: Sequence[Attempt]) -> Iterator[dict[str, Any]]:
    for attempt in attempts:
        rejection = attempt.rejection
        if rejection is not None:
            yield {
                "id": attempt.row["id"],
                "stage": "generate",
                "rule": rejection.rule,
                "action": attempt.action,
                "value": rejection.value,
                "threshold": rejection.threshold,
                "matched_id": rejection.matched_id,
                "similarity": rejection.value if rejection.rule == "rouge_l" else None,
                "evidence": rejection.evidence,
            }
