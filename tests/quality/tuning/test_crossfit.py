import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.tuning.crossfit import FEWEST_HITS, assign_parts, judge_candidates
from tests.support.rows import make_row, make_rows


def nested_hits(score: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return score[None, :] < thresholds[:, None]


def test_parts_follow_the_prompt_alone() -> None:
    rows = make_rows([make_row(f"Task {n}.", answer) for n in range(40) for answer in ("a", "b")])
    parts = assign_parts(rows)
    assert (parts[0::2] == parts[1::2]).all()
    assert set(parts.tolist()) == set(range(5))
    assert assign_parts(rows[[7, 3]]).tolist() == [parts[7], parts[3]]


def test_a_null_prompt_is_a_prompt() -> None:
    texts = pl.DataFrame({"system": [None], "instruction": ["x"], "input": [None]})
    assert 0 <= assign_parts(texts.cast(pl.String))[0] < 5


def test_what_was_given_is_judged_on_all_rows() -> None:
    bad = np.arange(100) < 20
    hits = np.array([np.arange(100) < 25])
    (judged,) = judge_candidates(hits, bad, np.arange(100) % 5, given=0, error=0.05)
    assert (judged.bad, int(judged.dropped.sum())) == (20, 25)


def test_a_threshold_that_only_fits_its_own_rows_is_found_out() -> None:
    """One part is all bad below the threshold, the others are not: chance, not a rule."""
    rng = np.random.default_rng(0)
    score, parts = rng.random(500), np.arange(500) % 5
    bad = rng.random(500) < 0.5
    hits = nested_hits(score, np.quantile(score, [0.03, 0.05, 0.1, 0.2, 0.5]))
    for judged in judge_candidates(hits, bad, parts, given=None, error=0.05):
        assert judged.low < 0.6


def test_too_few_rows_are_never_chosen() -> None:
    bad = np.ones(200, dtype=np.bool_)
    hits = nested_hits(np.arange(200.0), np.array([FEWEST_HITS - 1.0]))
    assert judge_candidates(hits, bad, np.arange(200) % 5, given=None, error=0.05) == []


@given(seed=st.integers(0, 10_000), given_place=st.none() | st.integers(0, 5))
@settings(max_examples=30)
def test_the_judged_come_from_the_loosest_to_the_strictest(
    seed: int, given_place: int | None
) -> None:
    rng = np.random.default_rng(seed)
    score = rng.random(300)
    bad = rng.random(300) < np.clip(1.2 - 2 * score, 0.05, 0.95)
    hits = nested_hits(score, np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.8]))
    judged = judge_candidates(hits, bad, np.arange(300) % 5, given=given_place, error=0.05)
    places = [one.place for one in judged]
    assert places == sorted(set(places), reverse=True)
    assert given_place is None or given_place in places
    for one in judged:
        assert one.bad == int((one.dropped & bad).sum())
        assert 0 <= one.low <= 1
