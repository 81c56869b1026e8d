"""The main job as a Prefect flow: one task per stage, references between them, never rows.

Generation and the stages below it take turns: a round of requests, then the whole way through the
stages, until enough rows survive. Every stage is cached by key and every reply is journaled, so
the turns cost only what is new.
"""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from flows import stages
from flows.artifacts import RunProgress, failure_artifacts, publish_artifacts
from flows.estimate import compare, quote_run
from flows.generate.rounds import Round
from flows.generate.schedule import Schedule
from flows.history.gate import GateError
from flows.hub.step import check_ready, is_pushed, push_published
from flows.publishers.local import publish_version
from flows.refresh.carrying import bring_earlier, carry_on, leave_decided
from flows.refresh.night import Night
from flows.session import RunSpec, Session, close_session, session_for
from flows.summary import summarise
from flows.versions import open_version
from schemas.errors import FeingoldError
from schemas.manifest import Published, StageRef
from schemas.recipe import Recipe, TargetOptions


@task(task_run_name="ingest", cache_policy=NO_CACHE)
def ingest(spec: RunSpec) -> StageRef:
    """Read the sources; of a refresh, what no earlier version has decided about."""
    session = session_for(spec)
    found = stages.ingest(session)
    if spec.night is None or spec.night.is_full:
        return found
    return leave_decided(session, spec.night, found)


@task(task_run_name="earlier", cache_policy=NO_CACHE)
def earlier(spec: RunSpec, night: Night, source: StageRef) -> StageRef:
    """Bring the generated rows of earlier versions."""
    return bring_earlier(session_for(spec), night, source)


@task(task_run_name="carry", cache_policy=NO_CACHE)
def carry(spec: RunSpec, night: Night) -> StageRef:
    """Take over the rows of the version before."""
    return carry_on(session_for(spec), night)


@task(task_run_name="generate-{position}", cache_policy=NO_CACHE)
def generate(
    spec: RunSpec, position: int, plan: Sequence[Round], before: Sequence[StageRef]
) -> StageRef:
    """Ask the teacher. Retries are the client's: a second layer would multiply them."""
    session = session_for(spec)
    options = session.recipe.generators[position]
    return stages.generate(session, options, plan=plan, before=before)


@task(task_run_name="signals", cache_policy=NO_CACHE)
def signals(spec: RunSpec, inputs: Sequence[StageRef]) -> StageRef:
    """Score every row with the cheap scorers."""
    return stages.signals(session_for(spec), inputs)


@task(task_run_name="dedup", cache_policy=NO_CACHE)
def dedup(spec: RunSpec, source: StageRef) -> StageRef:
    """Drop duplicates."""
    return stages.dedup(session_for(spec), source)


@task(task_run_name="decontaminate", cache_policy=NO_CACHE)
def decontaminate(spec: RunSpec, source: StageRef) -> StageRef:
    """Drop rows that hold benchmark items."""
    return stages.decontaminate(session_for(spec), source)


@task(task_run_name="review", cache_policy=NO_CACHE)
def review(spec: RunSpec, before: StageRef, source: StageRef) -> StageRef:
    """Look at every source as a whole."""
    return stages.review(session_for(spec), before, source)


@task(task_run_name="judge", cache_policy=NO_CACHE)
def judge(spec: RunSpec, source: StageRef) -> StageRef:
    """Have a teacher rate rows. Retries are the client's."""
    return stages.judge(session_for(spec), source)


@task(task_run_name="student", cache_policy=NO_CACHE)
def student(spec: RunSpec, source: StageRef) -> StageRef:
    """Let a small model score every row."""
    return stages.student(session_for(spec), source)


@task(task_run_name="ask-back", cache_policy=NO_CACHE)
def ask_back(spec: RunSpec, source: StageRef) -> StageRef:
    """Have the judge rate the rows that the student is least sure of."""
    return stages.ask_back(session_for(spec), source)


@task(task_run_name="filter", cache_policy=NO_CACHE)
def filter_rows(spec: RunSpec, source: StageRef) -> StageRef:
    """Apply the Boolean rules."""
    return stages.filter_rows(session_for(spec), source)


@task(task_run_name="select", cache_policy=NO_CACHE)
def select(spec: RunSpec, source: StageRef) -> StageRef:
    """Keep the best rows where there are more than wanted."""
    return stages.select(session_for(spec), source)


@task(task_run_name="publish", cache_policy=NO_CACHE)
def publish(spec: RunSpec, refs: Sequence[StageRef], stops: dict[str, str]) -> Published:
    """Write the version, whole or not at all."""
    return publish_version(session_for(spec), refs, stops=stops)


@task(task_run_name="push", cache_policy=NO_CACHE)
def push(spec: RunSpec, published: Published) -> dict[str, Any]:
    """Push the version to the Hub. Retries are the client's."""
    found = push_published(session_for(spec), published)
    key = f"{spec.name}-hub"
    create_link_artifact(link=found["url"], key=key, description="On the Hugging Face Hub")
    return found


@flow(name="feingold-run", flow_run_name="{spec.name}", validate_parameters=False)
def run_flow(spec: RunSpec) -> dict[str, Any]:
    """Run a recipe from its sources and generators to a published version.

    Args:
        spec: recipe and places.

    Returns:
        The summary of the command-line contract.

    Raises:
        FeingoldError: with the summary so far in `summary`.
    """
    session = session_for(spec)
    refs: list[StageRef] = []
    published: Published | None = None
    progress = RunProgress(spec.name)
    try:
        if is_pushed(session):
            check_ready(session.recipe)
        is_quoted = bool(session.recipe.generators) and spec.night is None
        quote = quote_run(session, source_rows=_source_rows) if is_quoted else None
        stops = _make_rows(spec, refs)
        progress.reach(80, "rows made")
        if spec.night is not None and not spec.night.is_full:
            if not refs or session.store.rows(refs[-1]).is_empty():
                return _without_version(spec, spec.night, refs, stops)
            refs.insert(0, carry(spec, spec.night))
        published = publish(spec, refs, stops)
        summary = summarise(session, refs, published=published, stops=stops)
        if quote is not None:
            summary["quote"] = compare(quote, summary)
        publish_artifacts(summary, published)
        summary["hub"] = push(spec, published) if is_pushed(session) else None
        progress.reach(100, f"version {published.version}")
    except FeingoldError as error:
        error.summary = summarise(session, refs, published=published)
        if isinstance(error, GateError):
            error.summary["gate"] = error.broken
        failure_artifacts(error.summary, error)
        raise
    finally:
        close_session(spec)
    return summary


def _source_rows(session: Session) -> pl.DataFrame:
    """The rows of the sources, of the stage that the run will find: nothing is read twice."""
    return session.store.rows(stages.ingest(session))


def _without_version(
    spec: RunSpec, night: Night, refs: Sequence[StageRef], stops: dict[str, str]
) -> dict[str, Any]:
    """End a refresh that found nothing; a push that failed before is made good."""
    session = session_for(spec)
    carried = carry(spec, night)
    summary = summarise(session, [carried, *refs], stops=stops)
    summary["hub"] = None
    if is_pushed(session):
        published = open_version(night.parent).as_published(is_new=False)
        summary["hub"] = push(spec, published)
    return summary


@flow(name="feingold-collect", flow_run_name="{spec.name}", validate_parameters=False)
def collect_flow(spec: RunSpec) -> None:
    """Go as far as the journal allows and publish nothing.

    Raises:
        RunError: where a reply is missing.
    """
    try:
        _make_rows(spec, [], is_last=False)
    finally:
        close_session(spec)


def _make_rows(spec: RunSpec, refs: list[StageRef], *, is_last: bool = True) -> dict[str, str]:
    """Run all stages before publishing; `refs` holds the ones of the latest turn throughout.

    Args:
        spec: recipe and places.
        refs: filled here.
        is_last: whether a version is to be made of the rows.

    Returns:
        Generator name to the limit that stopped it before its target, where one did.
    """
    session = session_for(spec)
    night = spec.night
    if night is not None and night.no_room is not None:
        return {}
    made = [ingest(spec)]
    if night is not None and night.is_full:
        made.append(earlier(spec, night, made[0]))
    refs[:] = made
    stops: dict[str, str] = {}
    for position, options in enumerate(session.recipe.generators):
        if isinstance(options, TargetOptions):
            stop = _reach_target(spec, position, options, made, refs)
            if stop is not None:
                stops[options.source_name] = stop
        else:
            made.append(generate(spec, position, [], list(made)))
            refs[:] = made
    if night is None or any(session.store.manifest(ref).kept for ref in made):
        refs[:] = [*made, *_refine(spec, made, is_last=is_last)]
    return stops


def _reach_target(
    spec: RunSpec,
    position: int,
    options: TargetOptions,
    made: list[StageRef],
    refs: list[StageRef],
) -> str | None:
    """Generate round after round until the target is reached or a limit stops it."""
    session = session_for(spec)
    night = spec.night
    plan = [] if night is None else night.plan_of(options.source_name)
    replayed = len(plan)  # rounds that brought no version: they count for nothing tonight
    dry_rounds = accepted = 0
    before = list(made)
    method = stages.method_of(session, options, before)
    schedule = Schedule(method, options, session.recipe.spending)
    made.append(before[0])  # the place of this generator's stage
    while True:
        plan.append(schedule.next_round(plan[replayed:]))
        made[-1] = generate(spec, position, list(plan), before)
        refined = _refine(spec, made, is_last=False)
        refs[:] = [*made, *refined]
        found = schedule.note(
            session.store.rows(refined[-1]).filter(source=options.source_name),
            session.store.manifest(made[-1]).notes["spent"],
        )
        rounds = len(plan) - replayed
        session.progress.say(f"round {rounds}: {found} of {options.target} rows accepted")
        if found >= options.target:
            return None
        dry_rounds = dry_rounds + 1 if found <= accepted else 0
        accepted = found
        if rounds >= options.max_rounds:
            return f"max_rounds = {options.max_rounds}"
        if dry_rounds >= options.max_dry_rounds:
            return f"max_dry_rounds = {options.max_dry_rounds}"
        stop = schedule.stop()
        if stop is not None:
            return stop


def _refine(spec: RunSpec, made: Sequence[StageRef], *, is_last: bool = True) -> list[StageRef]:
    """Take rows through the stages between generation and publishing.

    Between rounds of generation only what decides whether a row is accepted is run: a judge that
    is asked about every round's sample would be paid for rows that the last sample leaves out.
    """
    recipe = session_for(spec).recipe
    found = [signals(spec, list(made))]
    for step in _cleaning_steps(recipe):
        found.append(step(spec, found[-1]))
    if is_last and recipe.review is not None:
        found.append(review(spec, found[0], found[-1]))
    for step in _rating_steps(recipe, is_last=is_last):
        found.append(step(spec, found[-1]))
    found.append(filter_rows(spec, found[-1]))
    if is_last:
        found.append(select(spec, found[-1]))
    return found


def _cleaning_steps(recipe: Recipe) -> list[Callable[[RunSpec, StageRef], StageRef]]:
    """The stages that a recipe asks for before anything is rated."""
    steps: list[Callable[[RunSpec, StageRef], StageRef]] = []
    if recipe.dedup is not None:
        steps.append(dedup)
    if recipe.decontaminate is not None:
        steps.append(decontaminate)
    return steps


def _rating_steps(
    recipe: Recipe, *, is_last: bool
) -> list[Callable[[RunSpec, StageRef], StageRef]]:
    """The stages that rate rows, as a recipe asks for them."""
    steps: list[Callable[[RunSpec, StageRef], StageRef]] = []
    if not is_last and not recipe.filters_by_rating:
        return steps
    if recipe.judge is not None:
        steps.append(judge)
    if recipe.student is not None:
        steps.append(student)
    if recipe.asks_back:
        steps += [ask_back, student]
    return steps
