"""The flows behind `judge`: files in, verdicts in input order out."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.disk import write_frame
from flows.judge.comparing import Compared, compare
from flows.judge.notes import describe_rating
from flows.judge.pair_files import PairLine, read_pairs
from flows.judge.pair_notes import describe_comparison
from flows.judge.rating import Rated, rate_rows
from flows.judge.stage import abstentions
from flows.pipeline import ingest
from flows.runner import only_run, prepare_environment
from flows.session import RunSpec, Session, close_session, session_for
from flows.sources import list_files
from quality.judging.pairs import Winner
from quality.judging.ratings import score_columns
from quality.judging.verdicts import WHY, Abstention
from quality.scorers import add_scores
from schemas.frames import ROWS, FrameSchema
from schemas.recipe import JudgeOptions

_PLACE = ("file", "row", "id")
_PAIR_LINES: FrameSchema = {
    **{name: ROWS[name] for name in _PLACE},
    "winner": pl.String,
    "judge_reasons": pl.List(pl.String),  # of each judge, first with a in front, then with b
    "judge_abstained": pl.String,
}


def judge_files(spec: RunSpec, out: Path, *, pairs: bool) -> dict[str, Any]:
    """Judge the files of a run and return what was found.

    Args:
        spec: the files and the recipe.
        out: Parquet file of the verdicts.
        pairs: whether they hold two answers to each task.

    Raises:
        FeingoldError: if it fails, with what was asked so far.
    """
    prepare_environment()
    with only_run(Path(spec.home), spec.name):
        session_for(spec)
        from prefect import tags

        with tags("feingold", spec.name):
            found: dict[str, Any] = (pairs_flow if pairs else rows_flow)(spec, str(out))
    return found


@task(task_run_name="judge", cache_policy=NO_CACHE)
def rate(spec: RunSpec, rows: pl.DataFrame) -> Rated:
    """Have rows rated."""
    session = session_for(spec)
    return rate_rows(session, rows, _options(session))


@task(task_run_name="judge", cache_policy=NO_CACHE)
def prefer(spec: RunSpec, lines: Sequence[PairLine]) -> Compared:
    """Have pairs compared; equal ones once."""
    session = session_for(spec)
    pairs = {line.pair.id: line.pair for line in lines if line.pair is not None}
    wanted = _options(session).max_rows
    chosen = sorted(pairs)[:wanted]  # ids are hashes: the first are a random sample
    return compare(session, [pairs[name] for name in chosen], _options(session))


@flow(name="feingold-judge", flow_run_name="{spec.name}", validate_parameters=False)
def rows_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Rate rows of files."""
    session = session_for(spec)
    try:
        source = ingest(spec)
        rows = add_scores(session.store.rows(source), ["quality"])
        rated = rate(spec, rows)
        unreadable = session.store.dropped(source)
        write_frame(_rating_lines(session, rows, unreadable, rated), Path(out))
        notes = describe_rating(rated)
        counts = {"rows_in": rows.height + unreadable.height, "quarantined": unreadable.height}
        return _answer(session, counts, notes, rated.paid, out)
    finally:
        close_session(spec)


@flow(name="feingold-judge-pairs", flow_run_name="{spec.name}", validate_parameters=False)
def pairs_flow(spec: RunSpec, out: str) -> dict[str, Any]:
    """Compare the two answers of each record."""
    session = session_for(spec)
    try:
        inputs = [source.path for source in session.recipe.sources]
        lines = read_pairs(inputs, Path(spec.base))
        compared = prefer(spec, lines)
        write_frame(_pair_lines(lines, compared), Path(out))
        bad = sum(line.pair is None for line in lines)
        counts = {"rows_in": len(lines), "quarantined": bad}
        return _answer(session, counts, describe_comparison(compared), compared.paid, out)
    finally:
        close_session(spec)


def _options(session: Session) -> JudgeOptions:
    return session.recipe.judge or JudgeOptions()


def _answer(
    session: Session,
    counts: Mapping[str, int],
    notes: Mapping[str, Any],
    paid: Mapping[str, Any],
    out: str,
) -> dict[str, Any]:
    seconds = round(time.monotonic() - session.started, 2)
    return {**counts, "judge": dict(notes), **paid, "path": out, "seconds": seconds}


def _rating_lines(
    session: Session, rows: pl.DataFrame, unreadable: pl.DataFrame, rated: Rated
) -> pl.DataFrame:
    """One line per input row, in input order; without ratings where there are none."""
    columns = score_columns(rated.scores, rated.dimensions)
    told = pl.DataFrame(
        [
            (name, [getattr(said.rows[name], "reasons", None) for said in rated.judges])
            for name in rated.rows["id"]
        ],
        schema={"id": pl.String, "judge_reasons": pl.List(pl.String)},
        orient="row",
    )
    failed = abstentions(rated).select("id", judge_abstained="evidence")
    lines = rows.select(_PLACE)
    for found in (columns, told, failed):
        lines = lines.join(found, on="id", how="left", maintain_order="left")
    every = pl.concat([lines, unreadable.select("file", "row")], how="diagonal")
    order = {name: place for place, name in enumerate(list_files(session))}
    place = pl.col("file").replace_strict(order, default=len(order))
    return every.sort(place, "file", "row")


def _pair_lines(lines: Sequence[PairLine], compared: Compared) -> pl.DataFrame:
    """One line per record, in input order; `a` is the chosen or first answer."""
    winners = compared.winners
    return pl.DataFrame(
        [(line.file, line.row, *_pair_line(line, compared, winners)) for line in lines],
        schema=dict(_PAIR_LINES),
        orient="row",
    )


def _pair_line(
    line: PairLine, compared: Compared, winners: Mapping[str, Winner | None]
) -> tuple[str | None, Winner | None, list[str | None] | None, str | None]:
    """Id, winner, reasons and who abstained."""
    name = line.pair.id if line.pair is not None else None
    if name is None or name not in winners:
        return name, None, None, line.why or None
    verdicts = [
        (opinion.name, verdict)
        for opinion in compared.judges
        for verdict in (opinion.pairs[name].forward, opinion.pairs[name].backward)
    ]
    failed = [
        f"{judge}: {WHY[verdict.why]}"
        for judge, verdict in verdicts
        if isinstance(verdict, Abstention)
    ]
    reasons = [getattr(verdict, "reasons", None) for _, verdict in verdicts]
    return name, winners[name], reasons, "; ".join(failed) or None
