"""The judges of a run: each a teacher of its own, who is asked everything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from flows.claims import Claims
from flows.session import Session
from flows.teachers.budget import Budget, Purse, Spend
from flows.teachers.client import TeacherIdentity
from flows.teachers.embedded import SLOTS
from flows.teachers.panel import Panel
from flows.teachers.resolve import (
    check_budget,
    count_spent,
    identify,
    judging_dataset,
    make_teacher,
    price_of,
    recipe_teachers,
)
from schemas.errors import BudgetError, FeingoldError, InputError
from schemas.manifest import RequestCounts, TokenCounts
from schemas.recipe import JudgeOptions, Recipe, TeacherOptions


@dataclass(frozen=True, slots=True)
class Judge:
    """One judge, ready to be asked.

    Attributes:
        name: model; with its address where another judge has the same.
        identity: who it is.
        options: how it is asked.
        panel: asks it alone: judges do not stand in for each other.
    """

    name: str
    identity: TeacherIdentity
    options: TeacherOptions
    panel: Panel

    def price(self, prompt: int, completion: int) -> float | None:
        """Price of so many tokens in US dollars; null where none is known."""
        if price_of(self.options) is None:
            return None
        teacher = self.panel.teachers[0]
        meter = teacher.batch_meter if self.options.mode == "batch" else teacher.meter
        return meter.spend(prompt, completion).usd


def judge_teachers(recipe: Recipe, options: JudgeOptions) -> list[TeacherOptions]:
    """Return who judges: the judges named, else the recipe's first teacher that has a weight.

    Raises:
        InputError: if one cannot be meant, or the same is named twice.
    """
    if options.teacher is None:
        own = recipe_teachers(recipe)
        return [next((found for found in own if found.weight), own[0])]
    found = recipe_teachers(recipe.model_copy(update={"teacher": options.teacher}))
    known = [((item.base_url or "").rstrip("/"), item.gguf, item.model) for item in found]
    for place, item in enumerate(known):
        if item in known[:place]:
            name = item[2] or item[1] or "the embedded one"
            msg = (
                f"expected different judges, got {name!r} twice in "
                "judge.teacher: one judge asked twice is no panel"
            )
            raise InputError(msg)
    return found


def judge_identities(recipe: Recipe, options: JudgeOptions) -> list[TeacherIdentity]:
    """Say who will judge, without starting or asking anybody."""
    return [identify(found) for found in judge_teachers(recipe, options)]


@contextmanager
def open_judges(session: Session, options: JudgeOptions) -> Iterator[list[Judge]]:
    """Make the judges ready; nothing is sent or started before the first question.

    What they are paid counts against `judge.budget`, against the budget of the whole recipe and
    against their own; it is in the journal under `judging_dataset`.

    Args:
        session: the run.
        options: of judging.

    Raises:
        InputError: if a judge cannot be meant, or a money budget not be kept.
    """
    recipe = session.recipe
    every = judge_teachers(recipe, options)
    for budget in (recipe.budget, options.budget):
        check_budget(every, budget)
    name, whole, own = recipe.name, Budget(recipe.budget), _JudgeBudget(options.budget)
    with ExitStack() as stack:
        claims = stack.enter_context(Claims(session.home))
        # Whoever only collects the generators' questions must not pay for judging.
        collects = session.asked_panel is not None and session.asked_panel.collect is not None
        panels = []
        for place, found in enumerate(every):
            teacher = make_teacher(
                _paced(found), stack=stack, journal=session.journal, dataset=judging_dataset(name)
            )
            teacher.budget = _JudgeBudget(found.budget, teacher=place)
            teacher.purse = Purse(whole, own, teacher.budget)
            panels.append(
                Panel(
                    [teacher],
                    journal=session.journal,
                    claims=claims,
                    offline=session.spec.offline or collects,
                )
            )
        session.judge_panels += panels
        teachers = [panel.teachers[0] for panel in panels]
        # A budget is for the dataset, not for one attempt at it.
        for limit, whose in ((own, teachers), (whole, [])):
            count_spent(
                limit,
                whose,
                dataset=judging_dataset(name),
                journal=session.journal,
                claims=claims,
            )
        count_spent(whole, [], dataset=name, journal=session.journal, claims=claims)
        identities = [teacher.identity for teacher in teachers]
        judges = [
            Judge(_name(identity, identities), identity, found, panel)
            for identity, found, panel in zip(identities, every, panels, strict=True)
        ]
        try:
            yield judges
        except FeingoldError as error:
            error.summary = error.summary or spending(judges)
            raise


def spending(judges: Sequence[Judge]) -> dict[str, Any]:
    """Return what this run asked of its judges, and what that cost, for `--json`."""
    panels = [judge.panel for judge in judges]
    return {
        "requests": _add_up([panel.requests for panel in panels]),
        "tokens": _add_up([panel.tokens for panel in panels]),
        "cost_usd": round(sum(panel.cost_usd for panel in panels), 6),
        "errors": dict(sum((panel.errors for panel in panels), Counter()).most_common()),
    }


def _add_up(counts: Sequence[RequestCounts] | Sequence[TokenCounts]) -> dict[str, int]:
    """Add counts field by field."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count.model_dump())
    return dict(total)


def _paced(options: TeacherOptions) -> TeacherOptions:
    """Send a local judge no more than it can work on: a request that queues there times out.

    A judge's prompts are long, so that 64 of them can keep eight places busy for minutes.
    """
    if options.base_url is not None:
        return options
    return options.model_copy(
        update={"max_in_flight": min(options.max_in_flight, options.slots or SLOTS)}
    )


def _name(identity: TeacherIdentity, every: Sequence[TeacherIdentity]) -> str:
    is_only = [other.model for other in every].count(identity.model) == 1
    return identity.model if is_only else str(identity)


class _JudgeBudget(Budget):
    """A budget whose message names the field of the recipe that somebody would have to raise."""

    def refusal(self, worst: Spend) -> BudgetError | None:
        """Say why `worst` does not fit, null where it does."""
        failure = super().refusal(worst)
        if failure is None:
            return None
        return BudgetError(str(failure).replace("to stay within ", "to stay within judge.", 1))
