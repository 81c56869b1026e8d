"""Judging as a stage: all rows go on, those that were judged with their ratings."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from flows.judge.judges import judge_identities, judge_teachers
from flows.judge.notes import describe_rating
from flows.judge.prompts import VERSION
from flows.judge.rating import Rated, rate_rows
from flows.judge.references import read_references
from flows.session import Session
from flows.store import StageOutput, hash_json
from quality.judging.ratings import score_columns, with_scores
from quality.judging.rubrics import rubrics_of
from quality.judging.verdicts import WHY, Abstention
from schemas.frames import DECISIONS
from schemas.manifest import StageRef
from schemas.recipe import JudgeOptions


def check_judge(options: JudgeOptions) -> None:
    """Check what the schema alone cannot, before anything runs.

    Raises:
        InputError: for a dimension that nobody has described.
    """
    rubrics_of(options.dimensions, options.rubrics)


def judge_config(session: Session, options: JudgeOptions) -> dict[str, Any]:
    """Return all that shapes ratings besides the rows: for the key of the stage.

    How fast judges are asked and what they may cost is no part of it.
    """
    shapes = {"dimensions", "rubrics", "max_rows", "repeat_share", "canaries", "max_tokens"}
    references = read_references(session, options)
    return {
        **options.model_dump(mode="json", include=shapes),
        "judges": [
            [
                *(identity.base_url, identity.model),
                *(found.server, found.supports, found.token_field, found.max_tokens_if_cut),
                found.context,
            ]
            for identity, found in zip(
                judge_identities(session.recipe, options),
                judge_teachers(session.recipe, options),
                strict=True,
            )
        ],
        "references": hash_json(sorted([*task, text] for task, text in references.items())),
        "prompt": VERSION,
        "seed": session.recipe.seed,
    }


def judge_stage(
    session: Session,
    source: StageRef,
    options: JudgeOptions,
    only: Collection[str] | None = None,
) -> StageOutput:
    """Rate rows; none is dropped.

    Args:
        session: the run.
        source: the rows.
        options: of judging.
        only: ids of the rows that are asked about; null: `max_rows` of them, stratified.

    Returns:
        All rows with Float64 columns `judge`, `judge_<dimension>` and `judge_spread`: null where
        no judge gave a verdict, and what was there before where a row was not asked about. A
        decision `abstain` for every row that a judge failed on. The figures of `describe_rating`
        as notes.

    Raises:
        InputError: for wrong dimensions, references or judges.
        BudgetError: if a budget is used up; what was paid for is in the journal.
        RunError: if a judge is down, or replies are missing offline.
    """
    rows = session.store.rows(source)
    rated = rate_rows(session, rows, options, only=only)
    return StageOutput(
        with_scores(rows, score_columns(rated.scores, rated.dimensions)),
        rows.clear(),
        abstentions(rated),
        rows.height,
        reusable=not rated.had_passing_fault,
        notes={"judge": describe_rating(rated)},
    )


def abstentions(rated: Rated) -> pl.DataFrame:
    """Return DECISIONS: one line for each row that a judge failed on, with who and why."""
    found = [
        {"id": name, "stage": "judge", "rule": "judge", "action": "abstain", "evidence": evidence}
        for name, evidence in _failures(rated)
    ]
    return pl.DataFrame(
        [{**dict.fromkeys(DECISIONS), **line} for line in found],
        schema=dict(DECISIONS),
        orient="row",
    )


def _failures(rated: Rated) -> Iterator[tuple[str, str]]:
    for name in rated.rows["id"]:
        verdicts = {said.name: said.rows[name] for said in rated.judges}
        failed = {
            judge: verdict for judge, verdict in verdicts.items() if isinstance(verdict, Abstention)
        }
        if failed:
            yield name, _evidence(failed, of=len(verdicts))


def _evidence(failed: Mapping[str, Abstention], *, of: int) -> str:
    """Say who abstained and why; whether others gave a verdict."""
    lines = [
        f"{judge}: {WHY[found.why]}" + (f" ({found.detail[:200]})" if found.detail else "")
        for judge, found in failed.items()
    ]
    return f"{len(failed)} of {of} judges abstained; " + "; ".join(lines)
