"""Why each row went: the row that stays, how similar, and what differs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.dedup.answers import SAME_ANSWER, answer_agreement
from flows.dedup.engine import MethodResult
from flows.dedup.rows import Rows
from quality.dedup.evidence import EVIDENCE_LENGTH, describe_choice, describe_difference
from quality.dedup.exact import EVIDENCE
from quality.dedup.kernels import Places
from quality.dedup.shingles import join_columns
from schemas.frames import FrameSchema, empty_frame

# Rows whose texts are held at once.
_AT_ONCE = 500_000

#: Why rows go. `row` and `matched` count all rows, those of earlier versions first.
EXPLAINED: FrameSchema = {
    "row": pl.Int64,
    "matched": pl.Int64,
    "id": pl.String,
    "matched_id": pl.String,
    "method": pl.String,
    "kind": pl.String,  # duplicate, or choice: the same prompt with another answer
    "similarity": pl.Float64,
    "threshold": pl.Float64,
    "evidence": pl.String,
}


def explain(rows: Rows, results: Sequence[MethodResult], columns: Sequence[str]) -> pl.DataFrame:
    """Say for every dropped row why it goes.

    Args:
        rows: all rows.
        results: what the methods dropped.
        columns: whose texts the evidence quotes.

    Returns:
        EXPLAINED, by method, then row.
    """
    parts = [empty_frame(EXPLAINED)]
    for found in results:
        starts = range(0, len(found.dropped.rows), _AT_ONCE)
        parts += [
            _explain(rows, found, slice(start, start + _AT_ONCE), tuple(columns))
            for start in starts
        ]
    return pl.concat(parts)


def _explain(
    rows: Rows, found: MethodResult, part: slice, columns: tuple[str, ...]
) -> pl.DataFrame:
    gone, matched = found.dropped.rows[part], found.dropped.matched[part]
    if found.method == "exact":
        agreement = np.ones(len(gone))
        evidence = [EVIDENCE] * len(gone)
    else:
        agreement = answer_agreement(rows, np.stack((gone, matched), axis=1))
        evidence = _differences(rows, gone, matched, columns, agreement)
    is_choice = agreement < SAME_ANSWER
    named = np.union1d(gone, matched)
    ids = rows.ids(named)
    return pl.DataFrame(
        {
            "row": gone,
            "matched": matched,
            "id": ids.gather(np.searchsorted(named, gone)),
            "matched_id": ids.gather(np.searchsorted(named, matched)),
            "method": [found.method] * len(gone),
            "kind": np.where(is_choice, "choice", "duplicate"),
            "similarity": found.dropped.similarity[part],
            "threshold": [found.threshold] * len(gone),
            "evidence": evidence,
        },
        schema=dict(EXPLAINED),
    )


def _differences(
    rows: Rows,
    gone: Places,
    matched: Places,
    columns: tuple[str, ...],
    agreement: npt.NDArray[np.float64],
) -> list[str]:
    """Describe what differs; of some rows of earlier versions there is no text."""
    has_text = rows.have_texts(matched)
    wanted = np.unique(np.concatenate((gone, matched[has_text])))
    texts = join_columns(rows.texts(wanted, columns), columns).to_list()
    mine, others = np.searchsorted(wanted, gone), np.searchsorted(wanted, matched)
    lines = []
    for this, other, is_here, alike in zip(
        mine.tolist(), others.tolist(), has_text.tolist(), agreement.tolist(), strict=True
    ):
        line = (
            describe_difference(texts[this], texts[other])
            if is_here
            else "matches a published row, whose text is not here"
        )
        if alike < SAME_ANSWER:
            line = f"{describe_choice(alike)}; {line}"[:EVIDENCE_LENGTH]
        lines.append(line)
    return lines
