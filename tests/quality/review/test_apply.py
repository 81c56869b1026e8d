from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from quality.review.apply import apply_proposals
from quality.review.proposals import propose
from schemas.recipe import ReviewOptions
from tests.support.pools import FINE, SHORT, healthy

OPTIONS = ReviewOptions()
DROP = propose(replace(FINE, name="drop", **SHORT, homogeneity=0.8), OPTIONS)
SOME = propose(replace(FINE, name="some", homogeneity=0.8), OPTIONS)
KEEP = propose(replace(FINE, name="keep"), OPTIONS)
ROWS = pl.concat([healthy("drop", 50), healthy("some", 200), healthy("keep", 50)])


def test_rows_go_as_proposed_and_each_says_why() -> None:
    found = apply_proposals(ROWS, ROWS["source"], [DROP, SOME, KEEP], seed=0)
    counts = dict(found.kept["source"].value_counts().iter_rows())
    assert (counts.get("drop"), counts["keep"]) == (None, 50)
    assert 30 <= counts["some"] <= 70
    assert found.kept.height + found.dropped.height == ROWS.height
    assert sorted(found.decisions["id"]) == sorted(found.dropped["id"])
    whole = found.decisions.filter(rule="source_dropped")
    assert set(whole.select("value", "threshold", "evidence").rows()) == {
        (0.98, 0.5, f"drop: {DROP.evidence}")
    }
    part = found.decisions.filter(rule="source_sampled")
    assert part["value"].min() >= 0.25  # type: ignore[operator]
    assert set(part["threshold"]) == {0.25}
    assert set(found.decisions["action"]) == {"drop"}


def test_no_proposal_changes_nothing() -> None:
    found = apply_proposals(ROWS, ROWS["source"], [], seed=0)
    assert_frame_equal(found.kept, ROWS)
    assert (found.dropped.height, found.decisions.height) == (0, 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_sample_hangs_on_ids_and_seed_alone(seed: int) -> None:
    other = ROWS.reverse()
    one = apply_proposals(ROWS, ROWS["source"], [SOME], seed=seed).kept["id"]
    two = apply_proposals(other, other["source"], [SOME], seed=seed).kept["id"]
    assert sorted(one) == sorted(two)
    three = apply_proposals(ROWS, ROWS["source"], [SOME], seed=seed + 7).kept["id"]
    assert sorted(three) != sorted(one)


def test_rows_without_a_source_are_a_source() -> None:
    rows = ROWS.with_columns(source=pl.lit(None, dtype=pl.String))
    nameless = replace(DROP, figures=replace(DROP.figures, name="none"))
    assert apply_proposals(rows, rows["source"], [nameless], seed=0).kept.is_empty()
