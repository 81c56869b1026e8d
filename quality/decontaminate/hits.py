"""What links a row to a benchmark item, and the decision that follows."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from quality.decontaminate.items import BenchmarkItem
from schemas.frames import DECISIONS, FrameSchema

#: The rules, the surest first: what is told of a row that several of them find.
RULES: Final = ("benchmark_exact", "benchmark_ngram", "benchmark_semantic")

#: A row and a benchmark item that a rule links.
HITS: FrameSchema = {
    "id": pl.String,
    "item": pl.Int64,  # place in the sequence of items
    "rule": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "similarity": pl.Float64,
    "shared": pl.String,  # words of both
}

_EVIDENCE = {
    "benchmark_exact": "holds item {} of {}: {}",
    "benchmark_ngram": "shares with item {} of {}: {}",
    "benchmark_semantic": "rephrases item {} of {}; both have {}",
}
_MOST_SHARED: Final = 160


def choose_hits(hits: pl.DataFrame) -> pl.DataFrame:
    """Return one hit for each row: the surest rule, its highest value, the earliest item."""
    order = (
        pl.col("id"),
        pl.col("rule").replace_strict(dict(zip(RULES, range(len(RULES)), strict=True))),
        -pl.col("value"),
        -pl.col("similarity"),
        pl.col("item"),
        pl.col("shared"),
    )
    return hits.sort(*order).unique("id", keep="first", maintain_order=True)


def make_decisions(hits: pl.DataFrame, items: Sequence[BenchmarkItem]) -> pl.DataFrame:
    """Turn HITS, one for each row, into lines of the ledger.

    Args:
        hits: as `choose_hits` returns them.
        items: the benchmarks.

    Returns:
        DECISIONS, action drop, in the order of `hits`.
    """
    lines = [_decision(hit, items[hit["item"]]) for hit in hits.iter_rows(named=True)]
    return pl.DataFrame(lines, schema=dict(DECISIONS), orient="row")


def _decision(hit: dict[str, object], item: BenchmarkItem) -> dict[str, object]:
    rule, shared = str(hit["rule"]), str(hit["shared"])
    if len(shared) > _MOST_SHARED:
        shared = f"{shared[: _MOST_SHARED - 1]}…"
    evidence = _EVIDENCE[rule].format(item.name or item.number, item.benchmark, f'"{shared}"')
    same = {name: hit[name] for name in ("id", "rule", "value", "threshold", "similarity")}
    return {
        **same,
        "stage": "decontaminate",
        "action": "drop",
        "matched_id": item.label,
        "evidence": evidence,
    }
