"""Three methods that find duplicate rows, from the cheapest to the deepest, and their books."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import polars as pl

from quality.dedup.exact import exact_pairs
from quality.dedup.lexical import lexical_pairs
from quality.dedup.semantic import semantic_pairs
from schemas.frames import DECISIONS

#: Method -> function from rows to PAIRS, in running order: each sees what the one before kept.
METHODS: Mapping[str, Callable[..., pl.DataFrame]] = MappingProxyType(
    {
        "exact": exact_pairs,
        "lexical": lexical_pairs,
        "semantic": semantic_pairs,
    }
)


def dedup_decisions(dropped: pl.DataFrame, *, method: str, threshold: float) -> pl.DataFrame:
    """Turn dropped rows into lines of the ledger.

    Args:
        dropped: DROPPED, from `choose_survivors`.
        method: a key of METHODS.
        threshold: the similarity that sufficed; 1.0 for `exact`.

    Returns:
        DECISIONS with stage `dedup`, rule `<method>_duplicate` and action `drop`, one line per
        dropped row in the order given.
    """
    if method not in METHODS:
        msg = f"expected a dedup method of {list(METHODS)}, got {method!r}"
        raise ValueError(msg)
    return dropped.select(
        "id",
        stage=pl.lit("dedup"),
        rule=pl.lit(f"{method}_duplicate"),
        action=pl.lit("drop"),
        value=pl.col("similarity"),
        threshold=pl.lit(threshold, dtype=pl.Float64),
        matched_id=pl.col("matched_id"),
        similarity=pl.col("similarity"),
        evidence=pl.col("evidence"),
    ).select(list(DECISIONS))
