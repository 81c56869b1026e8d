"""Finds rows that contain an item of a benchmark.

A row is a hit when a large share of an item's word n-grams stands in it. Sharing one n-gram is not
enough: dropping on a single hit was measured elsewhere as mostly false alarms.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from schemas.frames import DECISIONS

_WORD = re.compile(r"\w+")


class BenchmarkItem(NamedTuple):
    """One item of a benchmark.

    Attributes:
        benchmark: file it came from.
        number: 0-based position there.
        text: the question or prompt.
    """

    benchmark: str
    number: int
    text: str


def find_contamination(
    rows: pl.DataFrame, items: Sequence[BenchmarkItem], *, ngram: int = 8, max_coverage: float = 0.5
) -> pl.DataFrame:
    """Return a decision for each row that covers more than `max_coverage` of a benchmark item.

    Args:
        rows: ROWS; instruction, input and output are searched together.
        items: the benchmark.
        ngram: words in an n-gram; an item shorter than that counts as one n-gram, whole.
        max_coverage: share of an item's n-grams, 0..1.

    Returns:
        DECISIONS, action drop, rule `benchmark`; value is the share covered, evidence names
        benchmark, item and the first shared words.
    """
    index: dict[str, set[int]] = defaultdict(set)
    sizes: list[int] = []
    lengths: set[int] = set()
    for position, item in enumerate(items):
        grams = _ngrams(_words(item.text), ngram)
        sizes.append(len(grams))
        for gram in grams:
            index[gram].add(position)
            lengths.add(gram.count(" ") + 1)
    found = []
    texts = rows.select(pl.concat_str("instruction", "input", "output", separator="\n")).to_series()
    for row_id, text in zip(rows["id"], texts, strict=True):
        hit = _best_hit(_words(text or ""), index, sizes, lengths)
        if hit is not None and hit.coverage >= max_coverage:
            found.append(_decision(row_id, hit, items[hit.item], max_coverage))
    return pl.DataFrame(found, schema=dict(DECISIONS), orient="row")


class _Hit(NamedTuple):
    item: int
    coverage: float
    words: str


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _ngrams(words: Sequence[str], size: int) -> set[str]:
    """All n-grams; the whole text where it is shorter than one."""
    if not words:
        return set()
    last = max(1, len(words) - size + 1)
    return {" ".join(words[start : start + size]) for start in range(last)}


def _best_hit(
    words: list[str], index: dict[str, set[int]], sizes: list[int], lengths: set[int]
) -> _Hit | None:
    """The item of which most is covered; the earliest of equals."""
    shared: dict[int, list[str]] = defaultdict(list)
    for size in sorted(lengths):
        if size > len(words):
            continue
        for gram in sorted(_ngrams(words, size)):
            for item in index.get(gram, ()):
                shared[item].append(gram)
    if not shared:
        return None
    best = min(shared, key=lambda item: (-len(shared[item]) / sizes[item], item))
    return _Hit(best, len(shared[best]) / sizes[best], shared[best][0])


def _decision(row_id: str, hit: _Hit, item: BenchmarkItem, threshold: float) -> dict[str, object]:
    return {
        "id": row_id,
        "stage": "decontaminate",
        "rule": "benchmark",
        "action": "drop",
        "value": hit.coverage,
        "threshold": threshold,
        "matched_id": f"{item.benchmark}:{item.number}",
        "similarity": hit.coverage,
        "evidence": f"shares {hit.words!r} with item {item.number} of {item.benchmark}",
    }
