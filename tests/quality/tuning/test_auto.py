from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.filters.engine import validate_filters
from quality.tuning.auto import DAMAGE, propose_filters
from quality.tuning.proposal import Proposal
from quality.tuning.rules import find_dropped
from tests.support.rows import make_row, make_rows

NO_TEXT_RULES: list[dict[str, Any]] = [{"rule": "max_score", "column": "noise"}]


def labelled(
    count: int, *, seed: int, sharp: float = 0.0, bad_share: float = 0.3
) -> tuple[pl.DataFrame, np.ndarray]:
    """Rows whose quality tells how likely they are bad; `sharp` 0 tells nothing, 1 all."""
    rng = np.random.default_rng(seed)
    bad = rng.random(count) < bad_share
    quality = np.where(rng.random(count) < sharp, np.where(bad, 0.3, 0.7), 0.5)
    quality = np.round(quality + rng.uniform(-0.3, 0.3, count), 4)
    frame = pl.DataFrame(
        {
            "id": [f"{seed}-{place}" for place in range(count)],
            "system": [""] * count,
            "instruction": [f"Task {place}." for place in range(count)],
            "input": [""] * count,
            "output": ["Yes."] * count,
            "quality": quality,
            "noise": rng.random(count),
        }
    )
    return frame, 1.0 - bad


def dropped_by(proposal: Proposal, rows: pl.DataFrame) -> np.ndarray:
    return find_dropped(rows, proposal.filters).any(axis=0)


def test_a_good_score_gets_a_threshold_that_keeps_its_promise_on_other_rows() -> None:
    rows, target = labelled(1500, seed=1, sharp=0.9)
    fresh, truth = labelled(4000, seed=2, sharp=0.9)
    for precision in (0.5, 0.7, 0.9):
        found = propose_filters(rows, target, min_precision=precision, base=NO_TEXT_RULES)
        (entry,) = found.filters
        assert entry["rule"] == "min_quality"
        validate_filters([entry])
        gone = dropped_by(found, fresh)
        assert gone.sum() > 100
        assert (truth[gone] == 0).mean() >= precision
        (evidence,) = found.evidence
        assert evidence.low is not None
        assert evidence.expected is not None
        assert precision <= evidence.low < evidence.expected
        assert found.message is None


def test_noise_is_hardly_ever_proposed() -> None:
    """The promise may fail once in twenty, so once or twice in thirty; four are bad luck."""
    wrong = 0
    for seed in range(30):
        rows, target = labelled(300, seed=seed, bad_share=0.5)
        found = propose_filters(rows, target, min_precision=0.5, base=NO_TEXT_RULES)
        wrong += bool(found.filters)
    assert wrong <= 4


def test_a_share_that_any_random_pick_has_is_no_proof() -> None:
    rows, target = labelled(600, seed=3, bad_share=0.8)
    found = propose_filters(rows, target, min_precision=0.5, base=NO_TEXT_RULES)
    assert found.filters == ()


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(30, 400),
    sharp=st.sampled_from([0.2, 0.6, 0.95]),
    levels=st.lists(st.floats(0, 1), min_size=2, max_size=4),
)
@settings(max_examples=15, deadline=None)
def test_asking_for_more_precision_never_drops_more_rows(
    seed: int, count: int, sharp: float, levels: list[float]
) -> None:
    rows, target = labelled(count, seed=seed, sharp=sharp)
    fresh, _ = labelled(500, seed=seed + 1, sharp=sharp)
    base = [*NO_TEXT_RULES, {"rule": "min_words", "value": 1}]
    gone = [
        dropped_by(propose_filters(rows, target, min_precision=level, base=base), fresh)
        for level in sorted(levels)
    ]
    for looser, stricter in pairwise(gone):
        assert (stricter <= looser).all()


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    rows, target = labelled(300, seed=seed, sharp=0.8)
    order = np.random.default_rng(seed).permutation(300)
    found = propose_filters(rows, target, min_precision=0.6, base=NO_TEXT_RULES)
    other = propose_filters(rows[order], target[order], min_precision=0.6, base=NO_TEXT_RULES)
    assert found == other


def test_copies_of_a_row_count_once() -> None:
    rows, target = labelled(40, seed=4, sharp=1.0, bad_share=0.5)
    many = pl.concat([rows] * 30)
    once = propose_filters(rows, target, min_precision=0.9, base=NO_TEXT_RULES)
    often = propose_filters(many, np.tile(target, 30), min_precision=0.9, base=NO_TEXT_RULES)
    assert once == often
    assert once.rows == 40


def test_too_few_labels_say_how_many_it_takes() -> None:
    rows, target = labelled(40, seed=5, sharp=1.0)
    found = propose_filters(rows, target, min_precision=0.9, base=NO_TEXT_RULES)
    n_bad = int((target == 0).sum())
    assert found.filters == ()
    assert found.message is not None
    assert found.message.startswith("too few labels for a precision of 0.9: it takes 36 bad rows")
    assert f"there are {n_bad} bad ones among 40" in found.message


def test_enough_labels_and_no_rule_that_passes_names_the_nearest() -> None:
    rows, target = labelled(800, seed=6, sharp=0.3)
    found = propose_filters(rows, target, min_precision=0.99, base=[])
    assert found.filters == ()
    assert "too few labels" in str(found.message)
    found = propose_filters(rows, target, min_precision=0.9, base=[])
    assert "the nearest is min_quality" in str(found.message)


def answers(texts: list[str]) -> pl.DataFrame:
    return make_rows([make_row(f"Explain number {n}.", text) for n, text in enumerate(texts)])


def test_rules_against_damage_stay_on_whatever_the_labels_say() -> None:
    rows = answers(["", "N/A", *(["A plain answer that says enough."] * 60)])
    target = np.array([1.0, 1.0, *([0.0] * 30), *([1.0] * 30)])
    found = propose_filters(rows, target, min_precision=0.9)
    on = {entry["rule"] for entry in found.filters}
    assert on == DAMAGE & {str(entry["rule"]) for entry in DEFAULT_FILTERS}
    empty = next(one for one in found.evidence if one.filter["rule"] == "empty_output")
    assert (empty.is_damage, empty.dropped, empty.held_out.found) == (True, 1, 0)
    assert empty.low is None


def test_rules_against_damage_are_rules() -> None:
    assert set(FILTERS) >= DAMAGE


def test_defaults_are_proven_left_out_or_untold() -> None:
    refused = ["I'm sorry, but I cannot help with that."] * 40
    equal = [f"Explain number {n}." for n in range(40, 80)]
    rows = answers([*refused, *equal, *(["A plain answer that says enough."] * 120)])
    target = np.array([0.0] * 40 + [1.0] * 160)
    found = propose_filters(rows, target, min_precision=0.8)
    on = {entry["rule"] for entry in found.filters}
    assert "refusal" in on
    left_out = {one.filter["rule"]: one for one in found.left_out}
    assert not left_out["answer_equals_input"].is_untold
    assert left_out["needs_tools"].is_untold
    order = [entry["rule"] for entry in DEFAULT_FILTERS]
    places = [order.index(entry["rule"]) for entry in found.filters if entry["rule"] in order]
    assert places == sorted(places)


def test_a_proposal_is_a_recipes_filters_and_json() -> None:
    rows, target = labelled(600, seed=8, sharp=0.9)
    found = propose_filters(rows, target, min_precision=0.6, base=NO_TEXT_RULES)
    told = found.as_dict()
    assert told["filters"] == [
        {"rule": "min_quality", "column": "quality", "value": found.evidence[0].threshold}
    ]
    assert told["evidence"][0]["held_out"]["of"] == found.together.of
    assert told["left_out"][0]["filter"]["rule"] == "max_score"


@pytest.mark.parametrize("target", [np.zeros(50), np.ones(50)])
def test_labels_of_one_kind_prove_nothing(target: np.ndarray) -> None:
    rows, _ = labelled(50, seed=9)
    found = propose_filters(rows, target, min_precision=0.5, base=NO_TEXT_RULES)
    assert found.filters == ()
    assert found.message
