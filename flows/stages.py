"""The stages between raw rows and a version: load, call `quality`, store."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from flows.benchmarks import load_benchmarks
from flows.dedup.past import load_past
from flows.generate import profile_of, respond, self_instruct
from flows.prompts import read_prompts
from flows.recipes import filter_dicts
from flows.seeds import load_seeds
from flows.session import Session
from flows.sources import read_sources
from flows.store import StageOutput, concat_decisions, concat_rows, hash_json
from quality.decontaminate import find_contamination
from quality.filters import DEFAULT_FILTERS
from quality.filters.engine import apply_filters
from quality.scorers import DEFAULT_SCORERS, add_scores
from quality.select import select_rows
from schemas.manifest import StageRef
from schemas.recipe import GeneratorOptions, RespondOptions, SelfInstructOptions


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
    options: GeneratorOptions,
    *,
    plan: Sequence[int],
    before: Sequence[StageRef],
) -> StageRef:
    """Make rows with the teacher: the rounds of `plan`, or one answer per given prompt."""
    config: dict[str, Any] = {
        "generator": options.model_dump(mode="json"),
        "plan": list(plan),
        "seed": session.recipe.seed,
        "language": list(session.recipe.language),
        "teachers": _teachers(session),
        "profile": asdict(profile_of(session, options)),
    }
    if isinstance(options, RespondOptions):
        config["prompts"] = read_prompts(session, options).fingerprint
    else:
        config["seeds"] = hash_json([asdict(seed) for seed in load_seeds(session, options)])

    def compute() -> StageOutput:
        taken = _taken_ids(session, before)
        if isinstance(options, SelfInstructOptions):
            return self_instruct(session, options, plan=plan, taken=taken)
        return respond(session, options, prompts=read_prompts(session, options), taken=taken)

    return session.store.run("generate", config=config, inputs=list(before), compute=compute)


def _teachers(session: Session) -> list[list[Any]]:
    """What of the teachers shapes their rows; not how fast they are asked."""
    return [
        [
            *(identity.base_url, identity.model, identity.license),
            *(options.weight, options.server, options.supports),
            *(options.token_field, options.max_tokens_if_cut),
        ]
        for identity, options in zip(
            session.teacher_identities, session.recipe.teachers, strict=True
        )
    ]


def signals(session: Session, inputs: Sequence[StageRef]) -> StageRef:
    """Score every row with the cheap scorers."""
    names = session.recipe.scorers or DEFAULT_SCORERS

    def compute() -> StageOutput:
        rows = concat_rows(session.store.rows(ref) for ref in inputs)
        return _all_kept(add_scores(rows, names))

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
        rows = session.store.rows(source)
        lines = find_contamination(
            rows, items, ngram=options.ngram, max_coverage=options.max_coverage
        )
        hit = pl.col("id").is_in(lines["id"].implode())
        return StageOutput(rows.filter(~hit), rows.filter(hit), lines, rows.height)

    config = {
        "decontaminate": options.model_dump(mode="json"),
        "items": hash_json([list(item) for item in items]),
    }
    return session.store.run("decontaminate", config=config, inputs=[source], compute=compute)


def filter_rows(session: Session, source: StageRef) -> StageRef:
    """Apply the Boolean rules."""
    recipe = session.recipe
    rules = DEFAULT_FILTERS if recipe.filters is None else filter_dicts(recipe)

    def compute() -> StageOutput:
        rows = session.store.rows(source)
        result = apply_filters(rows, rules, on_abstain=recipe.on_abstain)
        return StageOutput(result.kept, result.dropped, result.decisions, rows.height)

    config = {"filters": rules, "on_abstain": recipe.on_abstain}
    return session.store.run("filter", config=config, inputs=[source], compute=compute)


def select(session: Session, source: StageRef) -> StageRef:
    """Keep as many rows as were asked for, the best ones."""
    recipe = session.recipe
    targets = {
        generator.name or generator.kind: generator.target
        for generator in recipe.generators
        if not isinstance(generator, RespondOptions)
    }

    def compute() -> StageOutput:
        rows = session.store.rows(source)
        chosen = select_rows(rows, targets=targets, max_rows=recipe.select.max_rows)
        return StageOutput(chosen.kept, chosen.dropped, chosen.decisions, rows.height)

    config = {"select": recipe.select.model_dump(), "targets": targets}
    return session.store.run("select", config=config, inputs=[source], compute=compute)


def collect(session: Session, refs: Sequence[StageRef]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the dropped rows and the decisions of all stages of a run."""
    dropped = concat_rows(session.store.dropped(ref) for ref in refs)
    decisions = concat_decisions(session.store.decisions(ref) for ref in refs)
    return dropped, decisions


def _all_kept(rows: pl.DataFrame) -> StageOutput:
    nothing = concat_decisions([])
    return StageOutput(rows, rows.clear(), nothing, rows.height)


def _taken_ids(session: Session, before: Sequence[StageRef]) -> Counter[str]:
    """Count the content ids that earlier stages of this run use."""
    taken: Counter[str] = Counter()
    for ref in before:
        for frame in (session.store.rows(ref), session.store.dropped(ref)):
            taken.update(frame["id"].str.replace(r"-\d+$", "").to_list())
    return taken
