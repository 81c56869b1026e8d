"""Does what was proposed: drops the rows of a source, or all but a sample of them."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from quality.ids import draw_shares
from quality.review.figures import NONE
from quality.review.proposals import Proposal
from schemas.frames import DECISIONS, empty_frame

_STAGE = "review"


class Reviewed(NamedTuple):
    """Rows that stay, rows that go, and why.

    Attributes:
        kept: in the order in which they came in.
        dropped: likewise.
        decisions: DECISIONS, one line for each of `dropped`.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame


def apply_proposals(
    rows: pl.DataFrame, groups: pl.Series, proposals: Sequence[Proposal], *, seed: int
) -> Reviewed:
    """Drop the rows that the proposals would have go.

    Args:
        rows: ROWS with unique ids.
        groups: String, one a row, as in the proposals; null counts as `none`.
        proposals: one a group; groups without one stay.
        seed: of the samples.

    Returns:
        Reviewed. `source_dropped` has the figure that told most and its limit, `source_sampled`
        the row's draw in 0..1 and the share that stays.
    """
    named = groups.cast(pl.String).fill_null(NONE)
    shares = {one.figures.name: one.share for one in proposals}
    part = named.replace_strict(shares, default=1.0, return_dtype=pl.Float64)
    draws = draw_shares(rows["id"], f"review:{seed}")
    stays = draws < part
    gone = rows.select("id", group=named, draw=draws, part=part).filter(~stays)
    lines = [_lines(gone.filter(group=one.figures.name), one) for one in proposals]
    return Reviewed(
        rows.filter(stays), rows.filter(~stays), pl.concat([empty_frame(DECISIONS), *lines])
    )


def _lines(gone: pl.DataFrame, proposal: Proposal) -> pl.DataFrame:
    is_drop = proposal.action == "drop"
    first = proposal.signs[0] if proposal.signs else None
    evidence = f"{proposal.figures.name}: {proposal.evidence}"
    lines = gone.select(
        "id",
        stage=pl.lit(_STAGE),
        rule=pl.lit("source_dropped" if is_drop else "source_sampled"),
        action=pl.lit("drop"),
        value=pl.lit(first.value) if is_drop and first else pl.col("draw"),
        threshold=pl.lit(first.limit) if is_drop and first else pl.col("part"),
        evidence=pl.lit(evidence),
    )
    return pl.concat([empty_frame(DECISIONS), lines], how="diagonal").select(list(DECISIONS))
