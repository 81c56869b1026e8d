"""Deduplication as a stage: rows of a Parquet file in, kept and dropped rows and decisions out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.dedup.engine import Engine, MethodResult, Plan
from flows.dedup.explain import explain
from flows.dedup.mapping import Mapper
from flows.dedup.rows import Rows
from flows.dedup.signatures import cut_of
from quality.dedup.exact import COLUMNS
from quality.dedup.kernels import Places
from quality.dedup.search import Limits
from schemas.frames import DECISIONS
from schemas.recipe import DedupOptions, LexicalOptions, SemanticOptions

if TYPE_CHECKING:
    from flows.encoders import SentenceEncoder


@dataclass(frozen=True, slots=True)
class Encoders:
    """Where the semantic method gets its vectors.

    Attributes:
        load: loads the full encoder; called only where the method runs.
        cache: directory for the distilled static encoder.
    """

    load: Callable[[], "SentenceEncoder"]
    cache: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a deduplication came to.

    Attributes:
        results: what each method dropped.
        explained: EXPLAINED: why every dropped row goes.
        dead: the dropped rows' numbers, ascending.
        notes: figures of each method for the manifest.
    """

    results: list[MethodResult]
    explained: pl.DataFrame
    dead: Places
    notes: dict[str, Any]


def deduplicate(
    rows: Rows, options: DedupOptions, *, encoders: Encoders, work: Path, mapper: Mapper
) -> Outcome:
    """Drop every row that a method finds to repeat a better one.

    Args:
        rows: all rows, those of earlier versions first, which always survive.
        options: which methods run, with their thresholds.
        encoders: for the semantic method.
        work: directory of intermediate files; a run that was killed goes on from there.
        mapper: runs shards and bands.
    """
    engine = Engine(rows, make_plan(options, rows, encoders), work, mapper)
    results = engine.run()
    explained = explain(rows, results, compared_columns(options))
    return Outcome(results, explained, engine.dead, {item.method: item.notes for item in results})


def make_plan(options: DedupOptions, rows: Rows, encoders: Encoders) -> Plan:
    """Turn a recipe's options into what the engine does."""
    lexical, semantic = options.lexical, options.semantic
    search = None
    if semantic is not None:

        def search(alive: Places) -> tuple[Places, npt.NDArray[np.float64], dict[str, Any]]:
            return _semantic(rows, alive, semantic, encoders)

    return Plan(
        exact=COLUMNS if options.exact else None,
        cut=None if lexical is None else cut_of(lexical),
        limits=limits_of(lexical or LexicalOptions()),
        guards=lexical is None or lexical.guards,
        semantic=search,
        semantic_threshold=1.0 if semantic is None else semantic.threshold,
        alarm_share=options.alarm_share,
        all_answers=options.answers == "all",
    )


def limits_of(options: LexicalOptions) -> Limits:
    """When the lexical method calls two rows alike."""
    return Limits(options.threshold, options.containment)


def compared_columns(options: DedupOptions) -> tuple[str, ...]:
    """Every column that a method compares, in the order of a row: what evidence quotes."""
    named = {
        column
        for method in (options.lexical, options.semantic)
        if method is not None
        for column in method.columns
    }
    return tuple(column for column in COLUMNS if column in named) or COLUMNS


def make_decisions(explained: pl.DataFrame) -> pl.DataFrame:
    """Turn EXPLAINED into lines of the ledger, rule `<method>_duplicate` or `<method>_choice`."""
    return explained.select(
        "id",
        stage=pl.lit("dedup"),
        rule=pl.format("{}_{}", "method", "kind"),
        action=pl.lit("drop"),
        value=pl.col("similarity"),
        threshold=pl.col("threshold"),
        matched_id=pl.col("matched_id"),
        similarity=pl.col("similarity"),
        evidence=pl.col("evidence"),
    ).select(list(DECISIONS))


def _semantic(
    rows: Rows, alive: Places, options: SemanticOptions, encoders: Encoders
) -> tuple[Places, npt.NDArray[np.float64], dict[str, Any]]:
    """Embed the rows that could have a look-alike, then compare those exactly."""
    from flows.encoders import ENCODE_ALL_ROWS, StaticEncoder, semantic_candidates
    from quality.dedup.semantic import semantic_pairs

    numbers = alive[rows.have_texts(alive)]
    if not (numbers >= rows.n_past).any():
        return np.empty((0, 2), np.int64), np.empty(0), {"encoded": 0, "similar": 0}
    order = rows.order(numbers)
    # The engine knows the order of survival, whatever it was made from.
    rank = -pl.Series(order.rank).cast(pl.Float64)
    pool = rows.texts(numbers, options.columns).with_columns(id=order.ids, priority=rank)
    encoder = encoders.load()
    static = StaticEncoder(encoder, encoders.cache) if pool.height > ENCODE_ALL_ROWS else None
    found = semantic_candidates(
        pool,
        encoder,
        static,
        columns=options.columns,
        threshold=options.threshold,
        guards=options.guards,
    )
    pairs = semantic_pairs(
        pool,
        found.vectors,
        found.instruction_vectors,
        columns=options.columns,
        threshold=options.threshold,
        guards=options.guards,
    )
    named = pl.DataFrame({"id": pool["id"], "row": numbers})
    sides = np.stack([_numbers(pairs[name], named) for name in ("id_a", "id_b")], axis=1)
    is_new = (sides >= rows.n_past).any(axis=1)  # two earlier versions may well share a row
    notes: dict[str, Any] = {
        "encoded": found.encoded,
        "expected_recall": round(found.expected_recall, 4),
        "similar": int(is_new.sum()),
    }
    if missing := rows.textless_versions():
        notes["not_compared"] = f"not compared with {', '.join(missing)}, whose rows are not here"
    return sides[is_new], pairs["similarity"].to_numpy()[is_new], notes


def _numbers(ids: pl.Series, numbers: pl.DataFrame) -> Places:
    named = ids.to_frame("id").join(numbers, on="id", how="left", maintain_order="left")
    found: Places = named["row"].to_numpy().astype(np.int64)
    return found


def split_rows(frame: pl.DataFrame, explained: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that stay and those that go."""
    gone = pl.col("id").is_in(explained["id"].implode())
    return frame.filter(~gone), frame.filter(gone)
