"""Has rows rated: a sample of them, some twice, with traps among them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.judge.asking import Answers, Questions, Spent, ask_judges
from flows.judge.judges import Judge, open_judges, spending
from flows.judge.prompts import parse_rating, render_rating
from flows.judge.references import read_references
from flows.session import Session
from quality.judging.canaries import make_canaries
from quality.judging.material import Material, materials
from quality.judging.ratings import Score, Verdict, combine
from quality.judging.rubrics import rubrics_of
from quality.judging.sampling import draw, stratified_ids
from schemas.manifest import LocalWeights
from schemas.recipe import JudgeOptions
from schemas.records import TeacherReply, TeacherRequest


@dataclass(frozen=True, slots=True)
class Said:
    """What one judge said.

    Attributes:
        name: of the judge.
        model: its model.
        base_url: where it answers.
        is_embedded: whether it is the small model that feingold brings along.
        weights: what is known of local weights; null where somebody else serves them.
        rows: verdict by row id.
        repeats: the verdicts of rows that were asked about twice, the second time.
        traps: verdict by id of the trap.
        spent: what all of them cost.
    """

    name: str
    model: str
    base_url: str
    is_embedded: bool
    weights: LocalWeights | None
    rows: Mapping[str, Verdict]
    repeats: Mapping[str, Verdict]
    traps: Mapping[str, Verdict]
    spent: Spent


@dataclass(frozen=True, slots=True)
class Rated:
    """A judging run over rows.

    Attributes:
        rows: those that were asked about, sorted by id.
        traps: see `make_canaries`.
        dimensions: what was rated.
        judges: what each said.
        paid: what this run sent for that; the rest was in the journal.
        had_passing_fault: whether a fault that may pass cost verdicts.
    """

    rows: pl.DataFrame
    traps: pl.DataFrame
    dimensions: tuple[str, ...]
    judges: tuple[Said, ...]
    paid: Mapping[str, Any]
    had_passing_fault: bool

    @property
    def scores(self) -> dict[str, Score]:
        """What the judges make of each row together."""
        return self.combined([said.rows for said in self.judges])

    @property
    def trap_scores(self) -> dict[str, Score]:
        """The same for the traps."""
        return self.combined([said.traps for said in self.judges])

    def combined(self, said: Sequence[Mapping[str, Verdict]]) -> dict[str, Score]:
        """Combine the verdicts of some judges on the same things."""
        return {
            name: combine([verdicts[name] for verdicts in said], self.dimensions)
            for name in said[0]
        }


def rate_rows(
    session: Session,
    rows: pl.DataFrame,
    options: JudgeOptions,
    *,
    only: Collection[str] | None = None,
) -> Rated:
    """Ask every judge about rows.

    Args:
        session: the run.
        rows: ROWS; a column `quality` helps to sample.
        options: of judging.
        only: ids of the rows that are asked about; null: `max_rows` of them, stratified.

    Raises:
        InputError: for wrong dimensions, references or judges.
        BudgetError: if a budget is used up; what was paid for is in the journal, and the same
            again goes on from there.
        RunError: if a judge is down, or replies are missing offline.
    """
    rubrics = rubrics_of(options.dimensions, options.rubrics)
    references = read_references(session, options)
    seed = session.recipe.seed
    chosen = _choose(rows, options, seed, only).sort("id")
    traps = make_canaries(chosen, options.canaries, seed=seed)
    shown = materials(chosen, references)
    spoiled = materials(traps, references)
    repeated = [
        one for one in shown if draw(one.id, seed=seed, purpose="repeat") < options.repeat_share
    ]
    asked = [*shown, *spoiled, *repeated]
    first_repeat = len(shown) + len(spoiled)

    def render(place: int) -> TeacherRequest:
        return render_rating(
            asked[place],
            rubrics,
            max_tokens=options.max_tokens,
            seed=seed,
            sample=int(place >= first_repeat),
        )

    def parse(reply: TeacherReply, place: int) -> Verdict:
        sample = int(place >= first_repeat)
        return parse_rating(reply, asked[place], rubrics, seed=seed, sample=sample)

    with open_judges(session, options) as judges:
        bar = session.progress.start("judge", 0)
        answers = ask_judges(judges, Questions(len(asked), render, parse), bar)
        had_fault = any(judge.panel.had_passing_fault for judge in judges)
        paid = spending(judges)
    said = [
        _said(judge, answer, asked, (len(shown), first_repeat))
        for judge, answer in zip(judges, answers, strict=True)
    ]
    return Rated(chosen, traps, tuple(rubrics), tuple(said), paid, had_fault)


def _choose(
    rows: pl.DataFrame, options: JudgeOptions, seed: int, only: Collection[str] | None
) -> pl.DataFrame:
    if only is not None:
        return rows.filter(pl.col("id").is_in(sorted(only)))
    if options.max_rows is None:
        return rows
    ids = stratified_ids(rows, options.max_rows, seed=seed)
    return rows.filter(pl.col("id").is_in(ids))


def _said(
    judge: Judge,
    answers: Answers[Verdict],
    asked: Sequence[Material],
    bounds: tuple[int, int],
) -> Said:
    named = list(zip((one.id for one in asked), answers.verdicts, strict=True))
    first_trap, first_repeat = bounds
    return Said(
        judge.name,
        judge.identity.model,
        judge.identity.base_url,
        judge.identity.is_embedded,
        judge.identity.weights,
        dict(named[:first_trap]),
        dict(named[first_repeat:]),
        dict(named[first_trap:first_repeat]),
        answers.spent,
    )
