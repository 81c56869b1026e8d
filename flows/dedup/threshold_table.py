"""What a sweep over thresholds comes to: counts, a few pairs to look at, a line per row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from flows.dedup.answers import SAME_ANSWER, answer_agreement
from flows.dedup.engine import MethodResult
from flows.dedup.explain import explain
from flows.dedup.rows import Rows
from flows.dedup.stage import compared_columns
from flows.dedup.thresholds import Sweep
from quality.dedup.shingles import join_columns
from quality.dedup.survivors import Dropped, largest_group_share
from schemas.frames import FrameSchema, empty_frame

#: One line per row that goes at any of the thresholds.
FIRST_GONE: FrameSchema = {
    "id": pl.String,
    "file": pl.String,
    "row": pl.Int64,
    "method": pl.String,
    "matched_id": pl.String,
    "similarity": pl.Float64,
    "threshold": pl.Float64,  # the highest one asked about at which the row goes
}

_EXAMPLES = 3
_SHOWN_LETTERS = 100


def describe_threshold(
    swept: Sweep, threshold: float, results: Sequence[MethodResult]
) -> dict[str, Any]:
    """Count what a run at a threshold would drop, and show the pairs that it only just drops.

    Args:
        swept: the pairs.
        threshold: one of those asked about.
        results: `swept.results_at(threshold)`.
    """
    rows = swept.rows
    n_rows = rows.n_rows - rows.n_past
    dropped = sum(len(found.dropped.rows) for found in results)
    matched = np.concatenate([found.dropped.matched for found in results])
    choices = sum(_count_choices(rows, found) for found in results)
    return {
        "threshold": threshold,
        "dropped": dropped,
        "share": round(dropped / n_rows, 5) if n_rows else 0.0,
        "kept": n_rows - dropped,
        "duplicates": dropped - choices,
        "choices": choices,
        "largest_group_share": round(largest_group_share(matched, n_rows), 5),
        "by_method": {found.method: len(found.dropped.rows) for found in results},
        "examples": _examples(swept, results, threshold),
    }


def first_gone(rows: Rows, results: Mapping[float, Sequence[MethodResult]]) -> pl.DataFrame:
    """List the rows that go at any threshold, with the highest one at which they do.

    Args:
        rows: all rows.
        results: threshold -> what each method drops there.

    Returns:
        FIRST_GONE, by row; what the exact method drops goes at all of them, so at the highest.
    """
    parts = []
    for threshold in sorted(results, reverse=True):
        parts += [
            pl.DataFrame(
                {
                    "number": found.dropped.rows,
                    "matched": found.dropped.matched,
                    "similarity": found.dropped.similarity,
                    "method": [found.method] * len(found.dropped.rows),
                    "threshold": [threshold] * len(found.dropped.rows),
                },
                schema_overrides={"method": pl.String, "threshold": pl.Float64},
            )
            for found in results[threshold]
        ]
    gone = pl.concat(parts).unique("number", keep="first", maintain_order=True).sort("number")
    if not gone.height:
        return empty_frame(FIRST_GONE)
    places = rows.texts(gone["number"].to_numpy(), ["id", "file", "row"])
    named, order = np.unique(gone["matched"].to_numpy(), return_inverse=True)
    matched = rows.ids(named).gather(order).alias("matched_id")
    return places.hstack([matched]).hstack(gone.drop("number", "matched")).select(list(FIRST_GONE))


def _count_choices(rows: Rows, found: MethodResult) -> int:
    """Count the rows that go for one of the same prompt and another answer."""
    if found.method == "exact":
        return 0
    pairs = np.stack((found.dropped.rows, found.dropped.matched), axis=1)
    return int((answer_agreement(rows, pairs) < SAME_ANSWER).sum())


def _examples(
    swept: Sweep, results: Sequence[MethodResult], threshold: float
) -> list[dict[str, Any]]:
    """Describe the dropped rows nearest above the threshold that is being moved."""
    moved = "lexical" if swept.lexical is not None else "semantic"
    dropped = next(found.dropped for found in results if found.method == moved)
    # By the similarity first; what containment alone lets in is below the threshold.
    above = np.flatnonzero(dropped.similarity >= threshold)
    nearest = above[np.argsort(dropped.similarity[above], kind="stable")[:_EXAMPLES]]
    nearest = np.sort(nearest)
    few = Dropped(dropped.rows[nearest], dropped.matched[nearest], dropped.similarity[nearest])
    columns = compared_columns(swept.options)
    lines = explain(swept.rows, [MethodResult(moved, threshold, few, {})], columns)
    texts = _texts(swept.rows, lines["row"].to_list() + lines["matched"].to_list(), columns)
    shown = [
        {
            "id": line["id"],
            "matched_id": line["matched_id"],
            "similarity": round(line["similarity"], 4),
            "evidence": line["evidence"],
            "text": texts[line["row"]],
            "matched_text": texts.get(line["matched"]),
        }
        for line in lines.iter_rows(named=True)
    ]
    return sorted(shown, key=lambda example: (example["similarity"], example["id"]))


def _texts(rows: Rows, numbers: Sequence[int], columns: tuple[str, ...]) -> dict[int, str]:
    """Read the beginnings of rows; those of earlier versions have no text."""
    own = sorted({number for number in numbers if number >= rows.n_past})
    if not own:
        return {}
    texts = join_columns(rows.texts(np.array(own, np.int64), columns), columns).to_list()
    return {number: shorten(text) for number, text in zip(own, texts, strict=True)}


def shorten(text: str) -> str:
    """Return the beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_LETTERS else f"{line[: _SHOWN_LETTERS - 1]}…"
