"""Generation: rounds of proposals, gates and answers, used in the order of the requests."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl
from quality.scorers.consistency import rank_answers

from flows.generators.respond import parse_answer, render_answer
from flows.generators.self_instruct import parse_proposals, render_proposals
from flows.prompts import Prompts
from flows.seeds import load_seeds
from flows.session import Session
from flows.store import StageOutput
from quality.formats.parse import single_exchange
from quality.gates import Rejection, check_instruction
from quality.ids import content_id
from quality.rouge import RougeGate
from schemas.frames import DECISIONS, ROWS
from schemas.recipe import RespondOptions, SelfInstructOptions
from schemas.records import GivenTask, Seed, TeacherReply, TeacherRequest

_ANSWER = "answers"


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
    seeds = load_seeds(session, options)
    gate = RougeGate()
    for seed in seeds:
        gate.add(seed.id, seed.instruction)
    ledger = Ledger(taken)
    done = 0
    for number in plan:
        requests = [
            proposal_request(session, options, seeds, position)
            for position in range(done, done + number)
        ]
        done += number
        replies = _ask(session, requests, "tasks")
        tasks = []
        for request, reply in zip(requests, replies, strict=True):
            tasks += _accept(session, options, request, reply, gate=gate, ledger=ledger)
        _answer(session, options, tasks, ledger)
    notes = {"requests_by_round": list(plan), "instructions_kept": len(gate) - len(seeds)}
    return ledger.output(reusable=not session.teacher.had_passing_fault, notes=notes)


def respond(
    session: Session,
    options: RespondOptions,
    *,
    prompts: Prompts,
    taken: Counter[str],
) -> StageOutput:
    """Answer given prompts; lines that are none are quarantined."""
    ledger = Ledger(taken)
    _answer(session, options, prompts.tasks, ledger)
    for line, rule, detail, raw in prompts.unreadable:
        row = _empty_row(session, options, TeacherReply(key=""), parents=())
        row |= {"raw": raw, "teacher": None, "request_key": None}
        evidence = f"{options.prompts}, line {line or 0}: {detail}"
        ledger.add(row, Rejection(rule, evidence=evidence), "quarantine")
    return ledger.output(reusable=not session.teacher.had_passing_fault, notes={})


class _Proposal(NamedTuple):
    """A rendered proposal request and the seeds it shows."""

    request: TeacherRequest
    parents: tuple[str, ...]


def proposal_request(
    session: Session, options: SelfInstructOptions, seeds: Sequence[Seed], position: int
) -> _Proposal:
    """Show a fresh draw of seeds; the draw depends on the seed and the position only."""
    rng = random.Random(f"{session.recipe.seed}:{_name(options)}:{position}")
    shown = rng.sample(list(seeds), k=min(options.examples_per_prompt, len(seeds)))
    request = render_proposals(
        shown,
        style=_style(session, options),
        number=options.proposals_per_request,
        temperature=options.proposal_temperature,
        max_tokens=options.proposal_max_tokens,
        sample=position,
    )
    return _Proposal(request, tuple(seed.id for seed in shown))


def _accept(
    session: Session,
    options: SelfInstructOptions,
    proposal: _Proposal,
    reply: TeacherReply,
    *,
    gate: RougeGate,
    ledger: Ledger,
) -> list[GivenTask]:
    """Gate the tasks of one reply, in their order."""
    row = _empty_row(session, options, reply, parents=proposal.parents)
    if reply.error is not None:
        ledger.add(row, Rejection("teacher_error", evidence=reply.error))
        return []
    found = parse_proposals(
        reply, style=_style(session, options), number=options.proposals_per_request
    )
    if not found:
        ledger.add(row, Rejection("unparsable_reply", evidence=reply.text[:200]))
    ascii_only = set(session.recipe.language) <= {"en"}
    accepted = []
    for item in found:
        row = _empty_row(session, options, reply, parents=proposal.parents)
        row |= {"instruction": item.instruction, "input": item.input}
        if item.instruction:
            row["messages"] = _messages("", item.instruction, item.input)
        rejection = _gate(item.instruction, gate, truncated=item.truncated, ascii_only=ascii_only)
        if rejection is not None:
            ledger.add(row, rejection)
            continue
        task_id = content_id(row["messages"])
        gate.add(task_id, item.instruction)
        accepted.append(GivenTask(task_id, item.instruction, item.input, proposal.parents))
    return accepted


def _gate(
    instruction: str, gate: RougeGate, *, truncated: bool, ascii_only: bool
) -> Rejection | None:
    if truncated:
        return Rejection("truncated_proposal", evidence=instruction[-100:])
    rejection = (
        check_instruction(instruction, ascii_only=ascii_only)
        if instruction
        else (Rejection("instruction_too_short", 0, 4))
    )
    if rejection is not None:
        return rejection
    match = gate.nearest(instruction)
    if match is None:
        return None
    evidence = "too similar to a seed or to an earlier instruction"
    return Rejection("rouge_l", match.score, gate.threshold, evidence, match.id)


def _answer(
    session: Session,
    options: SelfInstructOptions | RespondOptions,
    tasks: Sequence[GivenTask],
    ledger: Ledger,
) -> None:
    """Ask for every task's answers at once, then keep the best of each task."""
    teacher = session.recipe.teacher
    requests = [
        render_answer(
            task.instruction,
            task.input,
            system=task.system or None,
            temperature=teacher.temperature,
            max_tokens=teacher.max_tokens,
            sample=sample,
        )
        for task in tasks
        for sample in range(options.answers_per_task)
    ]
    replies = iter(_ask(session, requests, _ANSWER))
    for task in tasks:
        group = [next(replies) for _ in range(options.answers_per_task)]
        _keep_best(session, options, task, group, ledger)


def _keep_best(
    session: Session,
    options: SelfInstructOptions | RespondOptions,
    task: GivenTask,
    replies: Sequence[TeacherReply],
    ledger: Ledger,
) -> None:
    """Reject unusable answers by name; of the others keep the one that most agrees."""
    usable: list[tuple[TeacherReply, str]] = []
    for reply in replies:
        row = _answer_row(session, options, task, reply)
        rejection = _unusable(reply)
        if rejection is not None:
            ledger.add(row, rejection)
        else:
            usable.append((reply, row["output"]))
    if not usable:
        return
    ranked = rank_answers([text for _, text in usable])
    best = ranked[0]
    for rank, answer in enumerate(ranked):
        row = _answer_row(session, options, task, usable[answer.index][0])
        if rank > 0:
            rule = Rejection("not_best_answer", answer.agreement, best.agreement)
            ledger.add(row, rule)
        elif best.agreement is not None and best.agreement < options.min_agreement:
            ledger.add(row, Rejection("low_agreement", best.agreement, options.min_agreement))
        else:
            ledger.add(row)


def _unusable(reply: TeacherReply) -> Rejection | None:
    if reply.error is not None:
        return Rejection("teacher_error", evidence=reply.error)
    if reply.finish_reason == "length":
        return Rejection("truncated_answer", float(reply.completion_tokens))
    return None


def _ask(session: Session, requests: Sequence[Any], label: str) -> list[TeacherReply]:
    plain = [item.request if isinstance(item, _Proposal) else item for item in requests]
    advance = session.progress.start(label, len(plain))
    return asyncio.run(session.teacher.ask_all(plain, on_reply=advance))


def _name(options: SelfInstructOptions | RespondOptions) -> str:
    return options.name or options.kind


def _style(session: Session, options: SelfInstructOptions) -> Any:
    if options.style != "auto":
        return options.style
    return "completions" if session.teacher_identity.is_embedded else "chat"


def _empty_row(
    session: Session,
    options: SelfInstructOptions | RespondOptions,
    reply: TeacherReply,
    *,
    parents: Sequence[str],
) -> dict[str, Any]:
    return {
        "id": "",
        "source": _name(options),
        "file": None,
        "row": None,
        "license": session.teacher_identity.license,
        "system": "",
        "instruction": "",
        "input": "",
        "output": "",
        "messages": [],
        "teacher": session.teacher_identity.model,
        "request_key": reply.key,
        "parents": list(parents),
        "raw": reply.raw or json.dumps({"error": reply.error}, ensure_ascii=False),
    }


def _answer_row(
    session: Session,
    options: SelfInstructOptions | RespondOptions,
    task: GivenTask,
    reply: TeacherReply,
) -> dict[str, Any]:
    row = _empty_row(session, options, reply, parents=task.parents)
    output = parse_answer(reply) if reply.error is None else ""
    parsed = single_exchange(
        system=task.system, instruction=task.instruction, context=task.input, output=output
    )
    row |= {
        "license": task.license or row["license"],
        "system": parsed.system,
        "instruction": parsed.instruction,
        "input": parsed.input,
        "output": parsed.output,
        "messages": list(parsed.messages),
    }
    return row


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
