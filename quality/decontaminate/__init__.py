"""Finds rows that hold benchmark items: word for word, in large part, or rephrased."""

from collections.abc import Sequence

import polars as pl

from quality.decontaminate.hits import RULES, choose_hits, make_decisions
from quality.decontaminate.items import BenchmarkItem
from quality.decontaminate.rephrased import Candidates, find_candidates
from quality.decontaminate.scoring import rephrased_hits, score_pairs
from quality.decontaminate.verbatim import Verbatim, find_verbatim

__all__ = [
    "RULES",
    "BenchmarkItem",
    "Candidates",
    "Verbatim",
    "choose_hits",
    "find_candidates",
    "find_contamination",
    "find_verbatim",
    "make_decisions",
    "rephrased_hits",
    "score_pairs",
]


def find_contamination(
    rows: pl.DataFrame, items: Sequence[BenchmarkItem], *, ngram: int = 8, max_coverage: float = 0.5
) -> pl.DataFrame:
    """Return a decision for each row that holds a benchmark item word for word.

    Args:
        rows: ROWS.
        items: the benchmarks.
        ngram: words in an n-gram.
        max_coverage: share of an item's distinctive n-grams, 0..1, inclusive.

    Returns:
        DECISIONS, action drop, rules `benchmark_exact` and `benchmark_ngram`, one line for a row.
    """
    found = find_verbatim(rows, items, ngram=ngram, max_coverage=max_coverage)
    return make_decisions(choose_hits(found.hits), items)
