"""Generation: rounds of proposals, gates and answers, used in the order of the requests."""

import asyncio
import json
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from flows.refresh.known import known_tasks
from flows.seeds import fits, load_seeds, load_topics
from flows.session import Session
from flows.store import StageOutput
from flows.watch import Watch, watch
from quality.formats.parse import single_exchange
from quality.gates import InstructionGates, Rejection
from quality.ids import content_id
from quality.scorers.consistency import RankedAnswer, rank_answers
from quality.scorers.echo import echo
from schemas.errors import InputError
from schemas.frames import DECISIONS, ROWS
from schemas.recipe import RespondOptions, SelfInstructOptions
from schemas.records import GivenTask, Seed, TeacherReply, TeacherRequest

# Parameters below which a model is asked as the embedded one: a larger one follows longer prompts.
_SMALL_MODEL = 1_000_000_000
_PACKED = 2_000  # attempts that are held as dictionaries before they become a frame
_ASKED_TOGETHER = 100  # tasks looked up in the journal together


class Attempt(NamedTuple):
    """A row that was made, and why it is out, if it is."""

    row: dict[str, Any]
    rejection: Rejection | None = None
    action: str = "drop"


Page = list[Attempt]


class Ledger:
    """Collects attempts, gives each an id that is unique in the run, and packs them into frames."""

    def __init__(self, taken: Counter[str]) -> None:
        """Start empty.

        Args:
            taken: content ids that earlier stages use, with their number.
        """
        self.rows_in = 0
        self.accepted = 0
        self._taken = taken
        self._loose: Page = []
        self._packed: list[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]] = []

    def add(self, page: Page) -> None:
        """Add attempts in their order."""
        for attempt in page:
            base = content_id(attempt.row["messages"])
            number = self._taken[base]
            self._taken[base] += 1
            attempt.row["id"] = base if number == 0 else f"{base}-{number}"
            self.accepted += attempt.rejection is None
        self.rows_in += len(page)
        self._loose += page
        if len(self._loose) >= _PACKED:
            self._pack()

    def output(self, *, reusable: bool, notes: dict[str, Any]) -> StageOutput:
        """Turn the attempts into a stage."""
        self._pack()
        rows, dropped, decisions = (pl.concat(parts) for parts in zip(*self._packed, strict=True))
        return StageOutput(
            rows=rows,
            dropped=dropped,
            decisions=decisions,
            rows_in=self.rows_in,
            reusable=reusable,
            notes=notes,
        )

    def _pack(self) -> None:
        """A frame takes a fraction of the memory that its rows take as dictionaries."""
        kept = [attempt.row for attempt in self._loose if attempt.rejection is None]
        out = [attempt for attempt in self._loose if attempt.rejection is not None]
        self._packed.append(
            (
                pl.DataFrame(kept, schema=dict(ROWS)),
                pl.DataFrame([attempt.row for attempt in out], schema=dict(ROWS)),
                pl.DataFrame(list(_decisions(out)), schema=dict(DECISIONS), orient="row"),
            )
        )
        self._loose = []


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
    night = session.spec.night
    for row_id, instruction in known_tasks(night) if night is not None else ():
        gates.add(row_id, instruction)
    maker = Maker(session, options, profile, Ledger(taken))
    shown = [seed for seed in seeds if fits(seed, profile.categories)]
    asyncio.run(_run_rounds(maker, shown, gates, plan))
    notes = {"generator": maker.name, "requests_by_round": list(plan)}
    return maker.ledger.output(reusable=not session.panel.had_passing_fault, notes=notes)


async def _run_rounds(
    maker: "Maker", shown: Sequence[Seed], gates: InstructionGates, plan: Sequence[int]
) -> None:
    night = maker.session.spec.night
    done = 0 if night is None else night.first
    panel = maker.session.panel
    async with panel.opened():
        for number in plan:
            positions = range(done, done + number)
            done += number
            asked = [proposal_request(maker, shown, position) for position in positions]
            async with watch(maker.session, maker.name, maker.ledger) as progress:
                await _run_round(maker, asked, gates, progress)


async def _run_round(
    maker: "Maker", asked: Sequence["Proposed"], gates: InstructionGates, progress: Watch
) -> None:
    """Put tasks to the teacher while others are still being proposed.

    The books of a round list proposals before answers, whichever came first.
    """
    proposals: Page = []
    answers: Page = []
    tasks: deque[GivenTask] = deque()
    number = maker.profile.answers_per_task
    panel = maker.session.panel

    async def answer_requests() -> AsyncIterator[list[TeacherRequest]]:
        progress.expect(len(asked))
        waiting = iter(asked)
        async for reply in panel.ask(item.request for item in asked):
            progress.advance()
            found = _accept(maker, proposals, next(waiting), reply, gates)
            tasks.extend(found)
            progress.expect(len(found) * number)
            yield [answer_request(maker, task, n) for task in found for n in range(number)]

    await _keep_answers(maker, answers, tasks, answer_requests(), progress)
    maker.ledger.add(proposals)
    maker.ledger.add(answers)


def respond(
    session: Session, options: RespondOptions, *, prompts: Prompts, taken: Counter[str]
) -> StageOutput:
    """Answer given prompts; lines that are none are quarantined."""
    maker = Maker(session, options, profile_of(session, options), Ledger(taken))
    asyncio.run(_respond(maker, prompts.tasks))
    for line, rule, detail, raw in prompts.unreadable:
        row = maker.empty_row(TeacherReply(key=""), parents=())
        row |= {"raw": raw, "teacher": None, "request_key": None}
        evidence = f"{options.prompts}, line {line or 0}: {detail}"
        maker.ledger.add([Attempt(row, Rejection(rule, evidence=evidence), "quarantine")])
    return maker.ledger.output(reusable=not session.panel.had_passing_fault, notes={})


async def _respond(maker: "Maker", given: Sequence[GivenTask]) -> None:
    number = maker.profile.answers_per_task

    async def requests() -> AsyncIterator[list[TeacherRequest]]:
        for start in range(0, len(given), _ASKED_TOGETHER):
            part = given[start : start + _ASKED_TOGETHER]
            yield [answer_request(maker, task, n) for task in part for n in range(number)]

    async with (
        maker.session.panel.opened(),
        watch(maker.session, maker.name, maker.ledger) as progress,
    ):
        progress.expect(len(given) * number)
        await _keep_answers(maker, None, deque(given), requests(), progress)


def profile_of(session: Session, options: SelfInstructOptions | RespondOptions) -> Profile:
    """The settings of a generator for the teacher of this run."""
    identity = session.teacher_identities[0]
    weights = identity.weights
    is_small = weights is not None and weights.parameters < _SMALL_MODEL
    return resolve_profile(options, session.recipe.teachers[0], is_small=is_small)


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
        identity = self.session.teacher_identities[reply.teacher]
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
            "rejected": None,
            "teacher": identity.model,
            "request_key": reply.key,
            "parents": list(parents),
            "arm": None,
            "about": None,
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
    maker: Maker, page: Page, proposal: Proposed, reply: TeacherReply, gates: InstructionGates
) -> list[GivenTask]:
    """Gate the tasks of one reply, in their order."""
    row = maker.empty_row(reply, parents=proposal.parents)
    if reply.error is not None:
        page.append(Attempt(row, Rejection("teacher_error", evidence=reply.error)))
        return []
    found = _read_proposals(maker, proposal, reply)
    unlikely = _unlikely_task(reply, maker.profile)
    if not found:
        page.append(Attempt(row, Rejection("unparsable_reply", evidence=reply.text[:200])))
    accepted = []
    for item in found:
        row = maker.empty_row(reply, parents=proposal.parents)
        row |= {"instruction": item.instruction, "input": item.input}
        row["messages"] = _messages("", item.instruction, item.input)
        rejection = unlikely or gates.check(item.instruction, is_truncated=item.truncated)
        if rejection is not None:
            page.append(Attempt(row, rejection))
            continue
        task_id = content_id(row["messages"])
        gates.add(task_id, item.instruction)
        accepted.append(GivenTask(task_id, item.instruction, item.input, proposal.parents))
    return accepted


async def _keep_answers(
    maker: Maker,
    page: Page | None,
    tasks: "deque[GivenTask]",
    requests: AsyncIterator[list[TeacherRequest]],
    progress: Watch,
) -> None:
    """Read the answers in the order of their tasks and keep the best of each task.

    Args:
        maker: the generator at work.
        page: where attempts are noted; null notes them in the ledger as they come.
        tasks: that are asked, in order; more may come while answers are read.
        requests: for their answers.
        progress: told of every answer.
    """
    replies: list[TeacherReply] = []
    async for reply in maker.session.panel.ask(requests):
        progress.advance()
        replies.append(reply)
        if len(replies) == maker.profile.answers_per_task:
            found = _keep_best(maker, tasks.popleft(), replies)
            replies = []
            if page is None:
                maker.ledger.add(found)
            else:
                page += found


def answer_request(maker: Maker, task: GivenTask, sample: int) -> TeacherRequest:
    """Render the request for one answer to a task."""
    profile = maker.profile
    request = render_answer(
        task.instruction,
        task.input,
        system=task.system or profile.system,
        temperature=profile.answer_temperature or 0.0,
        max_tokens=profile.answer_max_tokens or maker.session.recipe.teachers[0].max_tokens,
        sample=sample,
    )
    return with_confidence(request) if profile.asks_confidence else request


def _keep_best(maker: Maker, task: GivenTask, replies: Sequence[TeacherReply]) -> Page:
    """Reject unusable answers by name; of the others keep the best if it is good enough."""
    page: Page = []
    usable = []
    for reply in replies:
        rejection = _unusable(reply)
        if rejection is None:
            usable.append(reply)
        else:
            page.append(Attempt(maker.answer_row(task, reply), rejection))
    if not usable:
        return page
    ranked = rank_answers(
        [parse_answer(reply) for reply in usable],
        confidences=[read_confidence(reply) for reply in usable],
    )
    best = ranked[0]
    row = maker.answer_row(task, usable[best.index])
    page.append(Attempt(row, _too_weak(best, row, maker.profile)))
    for answer in ranked[1:]:
        value, bar = answer.confidence, best.confidence
        if value is None:
            value, bar = answer.agreement, best.agreement
        rejection = Rejection("not_best_answer", value, bar)
        page.append(Attempt(maker.answer_row(task, usable[answer.index]), rejection))
    return page


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
