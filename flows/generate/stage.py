"""A generator as a stage: its method's jobs, round by round, into the ledger."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl

from flows.generate.costs import Costs
from flows.generate.engine import run_jobs
from flows.generate.ledger import Ledger
from flows.generate.rounds import Round, list_jobs
from flows.generators.profiles import resolve_profile
from flows.methods import METHODS
from flows.methods.base import Kit, Method
from flows.methods.jobs import Job
from flows.refresh.known import known_tasks
from flows.session import Session
from flows.store import StageOutput
from flows.watch import watch
from quality.gates import InstructionGates
from schemas.frames import ROWS, empty_frame
from schemas.recipe.generators.answers import GeneratorBase

# Parameters below which a model is asked as the embedded one: a larger one follows longer prompts.
_SMALL_MODEL = 1_000_000_000


def make_method(
    session: Session,
    options: GeneratorBase,
    *,
    earlier: Callable[[], pl.DataFrame] = lambda: empty_frame(ROWS),
) -> Method:
    """Return a generator's method with its material read.

    Args:
        session: the run.
        options: of the generator.
        earlier: gives the rows of the stages before it.

    Raises:
        InputError: if its material cannot be read.
    """
    weights = session.teacher_identities[0].weights
    is_small = weights is not None and weights.parameters < _SMALL_MODEL
    profile = resolve_profile(options, session.recipe.teachers[0], is_small=is_small)
    return METHODS[options.kind](Kit(session, options, profile, earlier))


def generate_rows(method: Method, *, plan: Sequence[Round], taken: Counter[str]) -> StageOutput:
    """Run a generator; what is in the journal costs nothing.

    Args:
        method: with its material.
        plan: the rounds of a method that proposes; empty for others.
        taken: content ids of earlier stages.
    """
    session = method.kit.session
    ledger = Ledger(session, method.kit.name, taken)
    costs = Costs(session)
    asyncio.run(_run(method, plan, ledger, costs))
    ledger.add(list(method.unreadable()))
    notes: dict[str, Any] = {"source": method.kit.name, "spent": costs.as_notes()}
    if method.proposes:
        notes |= {"generator": method.kit.name, "requests_by_round": list(plan)}
    return ledger.output(reusable=not session.panel.had_passing_fault, notes=notes)


async def _run(method: Method, plan: Sequence[Round], ledger: Ledger, costs: Costs) -> None:
    async with method.kit.session.panel.opened():
        if not method.proposes:
            round_ = _Round(method.jobs(), method.count_jobs())
            await _run_round(method, round_, ledger, costs)
            return
        gates = _make_gates(method)
        night = method.kit.session.spec.night
        first = 0 if night is None else night.first
        for places in list_jobs(plan):
            jobs = (method.job(first + position, arm) for position, arm in places)
            round_ = _Round(jobs, len(places), [arm for _, arm in places], gates)
            await _run_round(method, round_, ledger, costs)


class _Round(NamedTuple):
    """Jobs that run together; `arms` of each, where the run chose them."""

    jobs: Iterable[Job]
    number: int
    arms: Sequence[str] = ()
    gates: InstructionGates | None = None


async def _run_round(method: Method, round_: _Round, ledger: Ledger, costs: Costs) -> None:
    session = method.kit.session
    costs.begin_round(round_.arms)
    async with watch(session, method.kit.name, ledger) as progress:
        progress.expect(round_.number * method.first_questions)
        drafts = run_jobs(
            session.panel,
            round_.jobs,
            gates=round_.gates,
            progress=progress,
            first_questions=method.first_questions,
            tell=costs.add,
        )
        async for made in drafts:
            costs.settle(made)
            ledger.add(made)


def _make_gates(method: Method) -> InstructionGates:
    """Gates that know the method's seeds and what earlier versions have."""
    kit = method.kit
    gates = InstructionGates(ascii_only=set(kit.languages) <= {"en"}, avoid=kit.profile.avoid_words)
    for row_id, instruction in method.known():
        gates.add(row_id, instruction)
    night = kit.session.spec.night
    for row_id, instruction in known_tasks(night) if night is not None else ():
        gates.add(row_id, instruction)
    return gates
