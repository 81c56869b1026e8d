"""Counts what happened to the rows of a run."""

import hashlib
from collections.abc import Iterable

import polars as pl

_FINAL = ("drop", "quarantine")


def count_by_rule(decisions: pl.DataFrame) -> dict[str, int]:
    """Return how many rows each rule dropped or quarantined, most first.

    Args:
        decisions: DECISIONS.
    """
    counts = (
        decisions.filter(pl.col("action").is_in(_FINAL))
        .group_by("rule")
        .len()
        .sort(["len", "rule"], descending=[True, False])
    )
    return dict(zip(counts["rule"].to_list(), counts["len"].to_list(), strict=True))


def content_hash(ids: Iterable[str]) -> str:
    """Return the hash of a set of rows: SHA-256 over their sorted ids, one a line."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
