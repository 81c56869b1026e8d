"""Has two answers to one task compared, in both orders, by every judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from flows.judge.asking import Questions, Spent, ask_judges
from flows.judge.judges import open_judges, spending
from flows.judge.prompts import parse_comparison, render_comparison
from flows.session import Session
from quality.judging.canaries import make_canaries
from quality.judging.material import Material, pair_material, task_of
from quality.judging.pairs import BothOrders, Verdict, Winner, combine_winners, drops_of
from quality.judging.sampling import draw
from schemas.frames import ROWS
from schemas.recipe import JudgeOptions
from schemas.records import TeacherReply, TeacherRequest


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one task.

    Attributes:
        id: unique, and the same wherever the pair stands.
        instruction: the task.
        input: what it works on, "" for nothing.
        a: the one answer.
        b: the other one.
        reference: a right answer, null where there is none.
    """

    id: str
    instruction: str
    input: str
    a: str
    b: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one judge said about pairs.

    Attributes:
        name: of the judge.
        model: its model.
        pairs: both orders, by id of the pair.
        repeats: the same, asked a second time about some.
        traps: by id of the trap; a is the honest answer.
        spent: what all of it cost.
    """

    name: str
    model: str
    pairs: Mapping[str, BothOrders]
    repeats: Mapping[str, BothOrders]
    traps: Mapping[str, BothOrders]
    spent: Spent


@dataclass(frozen=True, slots=True)
class Compared:
    """A judging run over pairs.

    Attributes:
        pairs: as given.
        traps: see `make_canaries`.
        judges: what each said.
        paid: what this run sent for that; the rest was in the journal.
    """

    pairs: tuple[Pair, ...]
    traps: pl.DataFrame
    judges: tuple[Opinion, ...]
    paid: Mapping[str, Any]

    @property
    def winners(self) -> dict[str, Winner | None]:
        """The better answer of each pair; null where every judge abstained."""
        return self.combined([opinion.pairs for opinion in self.judges])

    @property
    def drops(self) -> dict[str, float | None]:
        """By id of a trap: 1 where the honest answer won, 0 for a tie, -1 where the trap did."""
        return drops_of(self.combined([opinion.traps for opinion in self.judges]))

    def combined(self, said: Sequence[Mapping[str, BothOrders]]) -> dict[str, Winner | None]:
        """Combine what some judges said about the same pairs."""
        return {name: combine_winners([pairs[name].winner for pairs in said]) for name in said[0]}


class _Asked(NamedTuple):
    """One pair as it is asked about, in both orders."""

    name: str
    orders: tuple[Material, Material]
    sample: int


def compare(session: Session, pairs: Sequence[Pair], options: JudgeOptions) -> Compared:
    """Ask every judge which answer of each pair is better, in both orders.

    A winner has won in both orders; a judge that changes sides calls a tie; one that gives no
    verdict on either order abstains. Judges are combined by their median.

    Args:
        session: the run.
        pairs: with unique ids.
        options: of judging; dimensions, rubrics and `max_rows` play no part.

    Raises:
        InputError: for wrong judges.
        BudgetError: if a budget is used up; what was paid for is in the journal.
        RunError: if a judge is down, or replies are missing offline.
    """
    seed = session.recipe.seed
    traps = make_canaries(_honest_rows(pairs), options.canaries, seed=seed)
    asked = _ask_for(pairs, traps, options, seed)
    with open_judges(session, options) as judges:
        bar = session.progress.start("judge", 0)
        answers = ask_judges(judges, _questions(asked, options.max_tokens, seed), bar)
        paid = spending(judges)
    bounds = len(pairs), len(pairs) + traps.height
    opinions = []
    for judge, answer in zip(judges, answers, strict=True):
        verdicts = iter(answer.verdicts)
        said = [(one.name, BothOrders(next(verdicts), next(verdicts))) for one in asked]
        opinions.append(
            Opinion(
                judge.name,
                judge.identity.model,
                pairs=dict(said[: bounds[0]]),
                traps=dict(said[bounds[0] : bounds[1]]),
                repeats=dict(said[bounds[1] :]),
                spent=answer.spent,
            )
        )
    return Compared(tuple(pairs), traps, tuple(opinions), paid)


def _ask_for(
    pairs: Sequence[Pair], traps: pl.DataFrame, options: JudgeOptions, seed: int
) -> list[_Asked]:
    """Pairs, then traps beside their honest answers, then some pairs once more."""
    honest = {pair.id: pair for pair in pairs}
    spoiled = [
        replace(honest[origin], id=name, b=output)
        for name, origin, output in traps.select("id", "origin", "output").iter_rows()
    ]
    again = [
        pair for pair in pairs if draw(pair.id, seed=seed, purpose="repeat") < options.repeat_share
    ]
    return [_both_orders(pair) for pair in [*pairs, *spoiled]] + [
        _both_orders(pair, sample=1) for pair in again
    ]


def _both_orders(pair: Pair, sample: int = 0) -> _Asked:
    task = task_of(pair.instruction, pair.input)
    forward, backward = (
        pair_material(f"{pair.id}:{order}", task, answers, reference=pair.reference)
        for order, answers in (("ab", (pair.a, pair.b)), ("ba", (pair.b, pair.a)))
    )
    return _Asked(pair.id, (forward, backward), sample)


def _questions(asked: Sequence[_Asked], max_tokens: int, seed: int) -> Questions[Verdict]:
    def render(place: int) -> TeacherRequest:
        one = asked[place // 2]
        return render_comparison(
            one.orders[place % 2], max_tokens=max_tokens, seed=seed, sample=one.sample
        )

    def parse(reply: TeacherReply, place: int) -> Verdict:
        one = asked[place // 2]
        return parse_comparison(reply, one.orders[place % 2], seed=seed, sample=one.sample)

    return Questions(2 * len(asked), render, parse)


def _honest_rows(pairs: Sequence[Pair]) -> pl.DataFrame:
    """The first answers as rows, from which traps are made."""
    rows = [
        {**dict.fromkeys(ROWS), "id": pair.id, "instruction": pair.instruction}
        | {"input": pair.input, "output": pair.a}
        for pair in pairs
    ]
    return pl.DataFrame(rows, schema=dict(ROWS), orient="row")
