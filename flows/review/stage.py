"""The review of sources as a stage: proposals, and their effect where it is asked for."""

from typing import Final

import polars as pl

from flows.select.word_vectors import word_vectors
from flows.session import Session
from flows.store import StageOutput
from quality.dedup.shingles import join_columns
from quality.review.apply import apply_proposals
from quality.review.describe import describe
from quality.review.figures import (
    Prompts,
    count_groups,
    measure_groups,
    rows_to_measure,
    sample_rows,
)
from quality.review.marks import mark_rows
from quality.review.proposals import propose
from quality.select.nearest import Vectors
from quality.select.topics import find_topics
from schemas.manifest import StageRef
from schemas.recipe import ReviewOptions

#: Topics that the notes list.
MOST_TOPICS: Final = 40


def review_stage(
    session: Session, before: StageRef, source: StageRef, options: ReviewOptions
) -> StageOutput:
    """Look at every source as a whole.

    Where the recipe deduplicates by meaning, prompts are alike that mean the same; else, those
    that share words.

    Args:
        session: the run.
        before: the stage before anything was dropped.
        source: the stage whose rows come in.
        options: limits, and whether what is proposed is done.

    Returns:
        All rows, or with `apply` those that stay; the note `review` with a line for each source,
        and the topics of the rows.
    """
    rows, first = session.store.rows(source), session.store.rows(before)
    groups = rows[options.per]
    measured = rows_to_measure(rows, first, per=options.per, min_rows=options.min_rows)
    sample = sample_rows(measured, measured[options.per])
    vectors = _encode(session, sample)
    topics = find_topics(sample, vectors, seed=session.recipe.seed)
    found = measure_groups(
        measured,
        measured[options.per],
        counts=count_groups(groups, first[options.per]),
        marks=mark_rows(measured),
        prompts=Prompts(sample["id"], topics.names, vectors),
        short_words=options.short_words,
    )
    proposals = [propose(figures, options) for figures in found]
    done = apply_proposals(
        rows, groups, proposals if options.apply else [], seed=session.recipe.seed
    )
    notes = {
        "review": describe(proposals, done.kept[options.per], options),
        "topics": topics.table.head(MOST_TOPICS).to_dicts(),
    }
    return StageOutput(done.kept, done.dropped, done.decisions, rows.height, notes=notes)


def _encode(session: Session, rows: pl.DataFrame) -> Vectors:
    """Vectors of the prompts of rows, the same in any order of the same texts."""
    dedup = session.recipe.dedup
    joined = join_columns(rows, ("instruction", "input"))
    texts = joined.unique().sort()
    places = joined.rank("dense").cast(pl.Int64).to_numpy() - 1
    by_meaning = dedup is not None and dedup.semantic is not None
    encode = session.encoder.encode if by_meaning else word_vectors
    found: Vectors = encode(texts.to_list())[places]
    return found
