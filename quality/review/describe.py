"""A review as it is stored in a manifest: plain values, one entry a source."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from quality.review.figures import NONE
from quality.review.proposals import Proposal
from schemas.recipe import ReviewOptions

_VERBS: Final = {"drop": "drop", "sample": "keep a sample of", "abstain": "", "keep": ""}
_SHARES: Final = ("short", "refusals", "malformed", "same_answers", "same_openings")


def describe(
    proposals: Sequence[Proposal], kept: pl.Series, options: ReviewOptions
) -> dict[str, Any]:
    """Return what a review found and did.

    Args:
        proposals: one a source.
        kept: String, the sources of the rows that stay.
        options: of the review.

    Returns:
        `per`, `applied`, `sources`, and `alarm` where something was proposed that is not done.
    """
    counts = kept.cast(pl.String).fill_null(NONE).value_counts(name="count")
    stays = dict(counts.iter_rows())
    found: dict[str, Any] = {
        "per": options.per,
        "applied": options.apply,
        "sources": [_line(one, stays.get(one.figures.name, 0)) for one in proposals],
    }
    wishes = [
        f"{_VERBS[one.action]} {one.figures.name} ({one.evidence})"
        for one in proposals
        if _VERBS[one.action]
    ]
    if wishes and not options.apply:
        found["alarm"] = f"proposed: {'; '.join(wishes)}; --set review.apply=true does it"
    return found


def _line(proposal: Proposal, kept: int) -> dict[str, Any]:
    figures = proposal.figures
    return {
        "name": figures.name,
        "rows_before": figures.rows_before,
        "rows": figures.rows,
        "measured": figures.measured,
        "kept": kept,
        "proposal": proposal.action,
        "share": proposal.share,
        "evidence": proposal.evidence,
        "answer_words": list(figures.words),
        **{name: list(getattr(figures, name)) for name in _SHARES},
        "homogeneity": figures.homogeneity,
        "neighbour": figures.neighbour,
        "topics": figures.topics,
        "largest_topic": figures.topic,
        "largest_topic_share": figures.topic_share,
    }
