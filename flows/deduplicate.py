"""Runs the deduplication methods in order; each sees what the one before it kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from quality.dedup import dedup_decisions
from quality.dedup.exact import exact_pairs
from quality.dedup.lexical import lexical_pairs
from quality.dedup.semantic import semantic_pairs
from quality.dedup.survivors import choose_survivors, largest_group_share
from schemas.frames import DECISIONS, empty_frame
from schemas.recipe import DedupOptions, SemanticOptions

if TYPE_CHECKING:
    from flows.encoders import SentenceEncoder

# One group that swallows this share of all rows is more likely a template than a duplicate.
_ALARM_SHARE = 0.05
_ALARM_ROWS = 20
_PAST = "_past"
# Quality decides who survives; a row of an earlier version always does.
_PRIORITY = pl.when(pl.col(_PAST)).then(float("inf")).otherwise(pl.col("quality")).alias("priority")


class Method(NamedTuple):
    """A method as configured."""

    name: str
    threshold: float
    find: Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """Rows after deduplication, and why.

    Attributes:
        kept: rows that stay, in input order.
        dropped: rows that go.
        decisions: one line for each dropped row.
        notes: rows dropped and largest group by method, alarms.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame
    notes: dict[str, Any]


def deduplicate(
    rows: pl.DataFrame,
    options: DedupOptions,
    *,
    load_encoder: Callable[[], "SentenceEncoder"],
    cache: Path,
    past: pl.DataFrame | None = None,
) -> Deduplicated:
    """Drop every row that a method finds to repeat a better one.

    Args:
        rows: ROWS with `quality`, which chooses the survivor.
        options: which methods run, with their thresholds.
        load_encoder: called only where the semantic method runs.
        cache: directory for the distilled static encoder.
        past: rows of earlier versions; they always survive and are not part of the result.
    """
    pool = rows.with_columns(pl.lit(value=False).alias(_PAST))
    if past is not None and past.height:
        earlier = past.with_columns(pl.lit(value=True).alias(_PAST))
        pool = pl.concat([pool, earlier], how="diagonal_relaxed")
    decisions = [empty_frame(DECISIONS)]
    notes: dict[str, Any] = {}
    for method in _methods(options, load_encoder, cache):
        pairs = method.find(pool.with_columns(_PRIORITY))
        found = choose_survivors(pool.select("id", _PRIORITY), pairs)
        is_past = pl.col("id").is_in(pool.filter(_PAST)["id"].implode())
        found = found.filter(~is_past)
        share = largest_group_share(found, rows.height)
        notes[method.name] = {"dropped": found.height, "largest_group_share": round(share, 4)}
        if share > _ALARM_SHARE and share * rows.height > _ALARM_ROWS:
            notes[method.name]["alarm"] = (
                f"one group holds {share:.0%} of all rows: a shared template? raise the threshold"
            )
        found = found.with_columns(_name_sides())
        decisions.append(dedup_decisions(found, method=method.name, threshold=method.threshold))
        pool = pool.join(found.select("id"), on="id", how="anti", maintain_order="left")
    lines = pl.concat(decisions)
    gone = pl.col("id").is_in(lines["id"].implode())
    return Deduplicated(rows.filter(~gone), rows.filter(gone), lines, notes)


def _name_sides() -> pl.Expr:
    """Evidence speaks of a and b, the smaller id first; people ask about this row and the other."""
    is_first = pl.col("id") < pl.col("matched_id")
    evidence = pl.col("evidence")
    mine, other = "only in this row:", "only in the kept one:"
    return (
        pl.when(is_first)
        .then(_rename(evidence, mine, other))
        .otherwise(_rename(evidence, other, mine))
        .alias("evidence")
    )


def _rename(evidence: pl.Expr, first: str, second: str) -> pl.Expr:
    renamed = evidence.str.replace("only in a:", first, literal=True)
    return renamed.str.replace("only in b:", second, literal=True)


def _methods(
    options: DedupOptions, load_encoder: Callable[[], "SentenceEncoder"], cache: Path
) -> Iterator[Method]:
    if options.exact:
        yield Method("exact", 1.0, exact_pairs)
    if options.lexical is not None:
        lexical = options.lexical
        find = partial(lexical_pairs, columns=lexical.columns, threshold=lexical.threshold)
        yield Method("lexical", lexical.threshold, find)
    if options.semantic is not None:
        semantic = options.semantic
        find = partial(_semantic, semantic, load_encoder, cache)
        yield Method("semantic", semantic.threshold, find)


def _semantic(
    options: SemanticOptions,
    load_encoder: Callable[[], "SentenceEncoder"],
    cache: Path,
    pool: pl.DataFrame,
) -> pl.DataFrame:
    """Embed the rows that could have a look-alike, then compare those exactly."""
    from flows.encoders import ENCODE_ALL_ROWS, StaticEncoder, semantic_candidates

    encoder = load_encoder()
    static = StaticEncoder(encoder, cache) if pool.height > ENCODE_ALL_ROWS else None
    found = semantic_candidates(
        pool, encoder, static, columns=options.columns, threshold=options.threshold
    )
    return semantic_pairs(
        pool,
        found.vectors,
        found.instruction_vectors,
        columns=options.columns,
        threshold=options.threshold,
    )
