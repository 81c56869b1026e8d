from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.intervals import share
from quality.review.proposals import propose
from schemas.recipe import ReviewOptions
from tests.support.pools import FINE, SHORT

OPTIONS = ReviewOptions()


@pytest.mark.parametrize(
    ("figures", "action", "measures"),
    [
        ({}, "keep", []),
        (SHORT, "sample", ["short"]),
        ({"homogeneity": 0.8}, "sample", ["homogeneity"]),
        ({"same_answers": share(90, 100)}, "sample", ["same_answers"]),
        ({**SHORT, "homogeneity": 0.8}, "drop", ["short", "homogeneity"]),
        ({**SHORT, "same_openings": share(99, 100)}, "drop", ["short", "same_openings"]),
        ({"refusals": share(60, 100)}, "drop", ["refusals"]),
        ({"malformed": share(60, 100)}, "drop", ["malformed"]),
        ({"refusals": share(60, 100), **SHORT}, "drop", ["refusals", "short"]),
        ({"refusals": share(35, 100)}, "abstain", ["refusals"]),
        ({"refusals": share(35, 100), "homogeneity": 0.8}, "sample", ["homogeneity"]),
        ({"homogeneity": None}, "keep", []),
        ({"refusals": share(0, 0), "malformed": share(0, 0)}, "keep", []),
        ({"measured": 29, **SHORT, "homogeneity": 0.8}, "abstain", []),
    ],
)
def test_what_is_proposed(figures: dict[str, Any], action: str, measures: list[str]) -> None:
    found = propose(replace(FINE, **figures), OPTIONS)
    assert (found.action, [sign.measure for sign in found.signs]) == (action, measures)
    assert found.share == {"keep": 1, "abstain": 1, "sample": 0.25, "drop": 0}[action]


def test_the_evidence_says_what_was_measured_and_what_is_allowed() -> None:
    found = propose(replace(FINE, **SHORT, homogeneity=0.8), OPTIONS)
    assert found.evidence == (
        "98% [93%, 99%] of 100 answers are short (limit 50%); two of its prompts have a cosine of "
        "0.80 on average (limit 0.35)"
    )
    few = propose(replace(FINE, measured=3), OPTIONS)
    assert few.evidence == "3 rows are too few to tell, 30 would do"


@given(
    rows=st.integers(30, 3000),
    parts=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    alike=st.none() | st.floats(0, 1),
)
def test_looser_limits_never_take_more(rows: int, parts: list[float], alike: float | None) -> None:
    names = ("short", "refusals", "malformed", "same_answers", "same_openings")
    shares = {name: share(round(p * rows), rows) for name, p in zip(names, parts, strict=True)}
    figures = replace(FINE, measured=rows, homogeneity=alike, **shares)  # type: ignore[arg-type]
    limits = {f"max_{name}": 0.95 for name in (*names, "homogeneity")}
    loose = OPTIONS.model_copy(update=limits)
    assert propose(figures, loose).share >= propose(figures, OPTIONS).share
