"""What a calibration comes to: figures by threshold, by kind and by similarity, and examples."""

from typing import Any

import numpy as np
import polars as pl

from flows.dedup.calibrate import Trial, caught_at, chosen_threshold, grid_of, measure
from flows.dedup.stage import compared_columns
from flows.dedup.threshold_table import shorten
from quality.dedup.evidence import describe_difference
from quality.dedup.shingles import join_columns
from schemas.recipe import DedupOptions

#: Lower ends of the bins of Jaccard similarity; the last one holds equal shingles only.
BINS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: What the figures do not say.
NOTE = (
    "Planted duplicates are edits of your own rows (white space, typos, dropped, added or swapped "
    "words, polite phrases), none says the same in other words; planted look-alikes change a "
    "number, a name, a quoted string, the subject, the question, or negate it. Real data mixes "
    "both in other proportions, which moves precision."
)

_EXAMPLES = 3


def report(trial: Trial, options: DedupOptions) -> dict[str, Any]:
    """Return the calibration as it is written: a JSON object."""
    chosen = chosen_threshold(options)
    merged = caught_at(trial, chosen).merged
    told = trial.planted.with_columns(merged=pl.Series(merged, dtype=pl.Boolean))
    duplicates, look_alikes = told.filter("is_duplicate"), told.filter(~pl.col("is_duplicate"))
    return {
        "threshold": chosen,
        "measure": "jaccard" if options.lexical is not None else "cosine",
        "methods": [
            name
            for name in ("exact", "lexical", "semantic")
            if getattr(options, name) not in (None, False)
        ],
        "sampled": told["source_id"].n_unique(),
        "planted": {"duplicates": duplicates.height, "look_alikes": look_alikes.height},
        "thresholds": [measure(trial, threshold) for threshold in grid_of(options)],
        "kinds": _by_kind(told),
        "bins": _by_similarity(duplicates),
        "examples": _examples(trial, told, chosen),
        "note": NOTE,
    }


def _by_kind(told: pl.DataFrame) -> list[dict[str, Any]]:
    found = told.group_by("kind", "is_duplicate").agg(
        planted=pl.len(),
        merged=pl.col("merged").sum(),
        parted=pl.col("parted_by").is_not_null().sum(),
        median_jaccard=pl.col("jaccard").median().round(3),
    )
    return found.sort("is_duplicate", "kind", descending=[True, False]).to_dicts()


def _by_similarity(duplicates: pl.DataFrame) -> list[dict[str, Any]]:
    ends = [*BINS[1:], 2.0]
    lines = []
    for start, end in zip(BINS, ends, strict=True):
        inside = duplicates.filter(pl.col("jaccard") >= start, pl.col("jaccard") < end)
        lines.append(
            {
                "from": start,
                "to": min(end, 1.0),
                "planted": inside.height,
                "found": int(inside["merged"].sum()),
            }
        )
    return lines


def _examples(trial: Trial, told: pl.DataFrame, threshold: float) -> dict[str, Any]:
    """Show the missed duplicates and the merged look-alikes that are most alike."""
    told = told.with_columns(number=pl.Series(trial.sources))
    is_wrong = pl.col("is_duplicate") != pl.col("merged")
    wrong = told.filter(is_wrong).sort("jaccard", "id", descending=[True, False])
    few = [
        wrong.filter(pl.col("is_duplicate") == is_duplicate).head(_EXAMPLES)
        for is_duplicate in (True, False)
    ]
    missed, merged = (_shown(trial, lines) for lines in few)
    return {"missed": [line | {"why": _why(line, trial, threshold)} for line in missed],
            "merged": merged}  # fmt: skip


def _shown(trial: Trial, lines: pl.DataFrame) -> list[dict[str, Any]]:
    columns = compared_columns(trial.swept.options)
    texts = join_columns(lines, columns).to_list()
    found = []
    for line, text in zip(lines.iter_rows(named=True), texts, strict=True):
        source = join_columns(
            trial.swept.rows.texts(np.array([line["number"]]), columns), columns
        ).item()
        found.append(
            {
                "kind": line["kind"],
                "source_id": line["source_id"],
                "jaccard": round(line["jaccard"], 4),
                "parted_by": line["parted_by"],
                "source": shorten(source),
                "planted": shorten(text),
                "evidence": describe_difference(text, source),
            }
        )
    return found


def _why(line: dict[str, Any], trial: Trial, threshold: float) -> str:
    if line["parted_by"] is not None:
        return f"parted by {line['parted_by']}"
    if trial.swept.lexical is None or line["jaccard"] < threshold:
        return "below the threshold"
    return "the search missed it"
