"""The stages between raw rows and a version: load, call `quality`, store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from flows.decontaminate.benchmarks import load_benchmarks
from flows.decontaminate.stage import decontaminate_stage
from flows.dedup.past import load_past
from flows.generate.rounds import Round
from flows.generate.stage import generate_rows, make_method
from flows.ingest import expand_paths
from flows.judge.stage import judge_config, judge_stage
from flows.methods.base import Method
from flows.model_scorers import MODEL_SCORERS, add_model_scores
from flows.model_scorers.models import Models
from flows.recipes import filter_dicts
from flows.refresh.known import count_copies, decided_ids
from flows.select.stage import select_stage
from flows.session import Session
from flows.sources import read_sources
from flows.store import StageOutput, concat_decisions, concat_rows, hash_file, hash_json
from flows.tune.auto import auto_filters
from quality.filters import DEFAULT_FILTERS
from quality.filters.engine import apply_filters
from quality.scorers import DEFAULT_SCORERS, add_scores
from quality.student.unsure import least_sure
from schemas.manifest import StageRef
from schemas.recipe import TargetOptions
from schemas.recipe.generators.answers import GeneratorBase


def ingest(session: Session) -> StageRef:
    """Read, normalise and number the rows of all sources."""
    sources = session.recipe.sources
    found = read_sources(session)
    return session.store.run(
        "ingest",
        config={
            "sources": [source.model_dump(mode="json") for source in sources],
            "fingerprint": found.fingerprint,
            "seed": session.recipe.seed,
        },
        inputs=[],
        compute=found.compute,
    )


def generate(
    session: Session,
    options: GeneratorBase,
    *,
    plan: Sequence[Round],
    before: Sequence[StageRef],
) -> StageRef:
    """Make rows with the teacher: the rounds of `plan`, or what the generator's material gives."""
    method = method_of(session, options, before)
    config: dict[str, Any] = {
        "generator": options.model_dump(mode="json"),
        "plan": list(plan),
        "seed": session.recipe.seed,
        "language": list(session.recipe.language),
        "teachers": _teachers(session),
        "profile": asdict(method.kit.profile),
        "material": method.fingerprint,
    }
    night = session.spec.night
    if night is not None:
        config |= {"history": night.history, "first": night.first}

    def compute() -> StageOutput:
        return generate_rows(method, plan=plan, taken=_taken_ids(session, before))

    return session.store.run("generate", config=config, inputs=list(before), compute=compute)


def method_of(session: Session, options: GeneratorBase, before: Sequence[StageRef]) -> Method:
    """Return a generator's method, which may go over the rows of the stages before it."""
    return make_method(
        session,
        options,
        earlier=lambda: concat_rows(session.store.rows(ref) for ref in before),
    )


def _teachers(session: Session) -> list[list[Any]]:
    """What of the teachers shapes their rows; not how fast they are asked."""
    return [
        [
            *(identity.base_url, identity.model, identity.license),
            *(options.weight, options.server, options.supports),
            *(options.token_field, options.max_tokens_if_cut, options.context),
        ]
        for identity, options in zip(
            session.teacher_identities, session.recipe.teachers, strict=True
        )
    ]


def signals(session: Session, inputs: Sequence[StageRef]) -> StageRef:
    """Score every row; the scorers that need a model come last."""
    names = session.recipe.scorers or DEFAULT_SCORERS
    pure = [name for name in names if name not in MODEL_SCORERS]
    heavy = [name for name in names if name in MODEL_SCORERS]

    def compute() -> StageOutput:
        rows = add_scores(concat_rows(session.store.rows(ref) for ref in inputs), pure)
        if heavy:
            models = Models(session.home / "models", progress=session.progress)
            rows = add_model_scores(rows, heavy, models)
        return StageOutput(
            rows, rows.clear(), concat_decisions([]), rows.height, notes={"scorers": list(names)}
        )

    config = {"scorers": list(names)}
    return session.store.run("signals", config=config, inputs=inputs, compute=compute)


def dedup(session: Session, source: StageRef) -> StageRef:
    """Drop duplicates: exact, lexical, semantic."""
    options = session.recipe.dedup
    if options is None:
        return source
    past = load_past(session, options.against)

    def compute() -> StageOutput:
        # numba takes a second to import; only this stage needs it.
        from flows.dedup.deduplicate import deduplicate_stage

        return deduplicate_stage(session, source, options, past.shards())

    config = {"dedup": options.model_dump(mode="json"), "past": past.fingerprint}
    return session.store.run("dedup", config=config, inputs=[source], compute=compute)


def decontaminate(session: Session, source: StageRef) -> StageRef:
    """Drop rows that contain benchmark items."""
    options = session.recipe.decontaminate
    if options is None:
        return source
    items = load_benchmarks(session, options)

    def compute() -> StageOutput:
        return decontaminate_stage(session, source, options, items)

    config = {
        "decontaminate": options.model_dump(mode="json"),
        "items": hash_json([list(item) for item in items]),
    }
    return session.store.run("decontaminate", config=config, inputs=[source], compute=compute)


def review(session: Session, before: StageRef, source: StageRef) -> StageRef:
    """Look at every source as a whole; `before` is the stage before any row was dropped."""
    options = session.recipe.review
    if options is None:
        return source

    def compute() -> StageOutput:
        # scikit-learn and numba take seconds to import; only this stage needs them.
        from flows.review.stage import review_stage

        return review_stage(session, before, source, options)

    config = {"review": options.model_dump(mode="json"), "seed": session.recipe.seed}
    return session.store.run("review", config=config, inputs=[before, source], compute=compute)


def judge(session: Session, source: StageRef) -> StageRef:
    """Have a teacher rate rows."""
    options = session.recipe.judge
    if options is None:
        return source

    def compute() -> StageOutput:
        return judge_stage(session, source, options)

    config = judge_config(session, options)
    return session.store.run("judge", config=config, inputs=[source], compute=compute)


def student(session: Session, source: StageRef) -> StageRef:
    """Let a small model score every row."""
    options = session.recipe.student
    if options is None:
        return source
    named = options.labels if options.path is None else (options.path,)
    base = session.resolve_path("")
    files = [path for pattern in named for path in expand_paths(pattern, base)]
    config = {
        "student": options.model_dump(mode="json", exclude={"ask_back"}),
        "files": [hash_file(path) for path in files],
    }

    if session.spec.night is not None:
        config["history"] = session.spec.night.history  # it learns from earlier ratings, too

    def compute() -> StageOutput:
        # scikit-learn and torch take seconds to import; only this stage needs them.
        from flows.student.stage import student_stage

        return student_stage(session, source, options)

    return session.store.run("student", config=config, inputs=[source], compute=compute)


def ask_back(session: Session, source: StageRef) -> StageRef:
    """Have the judge rate the rows that the student is least sure of."""
    judging, learning = session.recipe.judge, session.recipe.student
    if judging is None or learning is None:
        return source
    unsure = least_sure(session.store.rows(source), learning.ask_back)

    def compute() -> StageOutput:
        return judge_stage(session, source, judging, only=unsure)

    config = {**judge_config(session, judging), "only": unsure}
    return session.store.run("judge", config=config, inputs=[source], compute=compute)


def filter_rows(session: Session, source: StageRef) -> StageRef:
    """Apply the Boolean rules."""
    recipe = session.recipe
    notes: dict[str, Any] = {}
    rules: Sequence[Mapping[str, Any]]
    if recipe.filters == "auto":
        proposal = auto_filters(session)
        rules = list(proposal.filters)
        notes["auto"] = proposal.as_dict()
    else:
        rules = DEFAULT_FILTERS if recipe.filters is None else filter_dicts(recipe)
    notes["rules"] = [dict(rule) for rule in rules]

    def compute() -> StageOutput:
        rows = session.store.rows(source)
        result = apply_filters(rows, rules, on_abstain=recipe.on_abstain)
        return StageOutput(result.kept, result.dropped, result.decisions, rows.height, notes=notes)

    config = {"filters": rules, "on_abstain": recipe.on_abstain}
    return session.store.run("filter", config=config, inputs=[source], compute=compute)


def select(session: Session, source: StageRef) -> StageRef:
    """Keep as many rows as were asked for, the best ones."""
    recipe = session.recipe
    targets = {
        generator.source_name: generator.target
        for generator in recipe.generators
        if isinstance(generator, TargetOptions)
    }

    def compute() -> StageOutput:
        return select_stage(session, source, targets)

    config = {"select": recipe.select.model_dump(), "targets": targets, "seed": recipe.seed}
    return session.store.run("select", config=config, inputs=[source], compute=compute)


def collect(session: Session, refs: Sequence[StageRef]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the dropped rows and the decisions of all stages of a run."""
    dropped = concat_rows(session.store.dropped(ref) for ref in refs)
    decisions = concat_decisions(session.store.decisions(ref) for ref in refs)
    return dropped, decisions


def _taken_ids(session: Session, before: Sequence[StageRef]) -> Counter[str]:
    """Count the content ids that earlier stages of this run and earlier versions use."""
    night = session.spec.night
    names = [] if night is None else decided_ids(night).to_list()
    for ref in before:
        for frame in (session.store.rows(ref), session.store.dropped(ref)):
            names += frame["id"].to_list()
    return count_copies(names)
