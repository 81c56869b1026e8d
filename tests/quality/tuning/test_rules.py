from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.filters.engine import apply_filters, validate_filters
from quality.scorers import add_scores
from quality.tuning.rules import (
    add_missing_scores,
    candidate_entries,
    find_dropped,
    is_tunable,
    missing_columns,
    spell_out,
)
from tests.support.rows import make_row, make_rows

TEXTS = [
    ("Name a colour.", "Red."), ("Draw a house.", "I cannot draw."), ("Say it.", ""),
    ("Summarize the following text.", "It is about bees."), ("Add 2 and 2.", "2 + 2 = 5"),
    ("Write code.", "```python\nprint(1)"), ("Repeat.", "one two three four " * 20),
    ("Explain.", "As an AI language model, I cannot help with that."),
]  # fmt: skip


def scored_rows() -> pl.DataFrame:
    return add_scores(make_rows([make_row(task, answer) for task, answer in TEXTS]))


def test_the_rules_alone_drop_what_the_engine_drops_together() -> None:
    rows = scored_rows()
    hits = find_dropped(rows, DEFAULT_FILTERS)
    dropped = apply_filters(rows, DEFAULT_FILTERS).dropped["id"].to_list()
    assert rows.filter(hits.any(axis=0))["id"].to_list() == dropped
    assert len(dropped) > 4


@pytest.mark.parametrize(
    ("on_abstain", "wanted"), [("keep", [True, False]), ("drop", [True, True])]
)
def test_what_abstains_goes_as_the_recipe_says(on_abstain: Any, wanted: list[bool]) -> None:
    rows = pl.DataFrame({"quality": [0.1, None]})
    found = find_dropped(rows, [{"rule": "min_quality"}], on_abstain=on_abstain)
    assert found.tolist() == [wanted]


def test_no_rules_drop_nothing() -> None:
    assert find_dropped(pl.DataFrame({"x": [1, 2]}), []).shape == (0, 2)


SCORES = st.lists(
    st.none() | st.floats(0, 1).map(lambda value: round(value, 3)), min_size=1, max_size=60
)


@given(scores=SCORES, rule=st.sampled_from(["min_quality", "min_score", "max_score"]))
@settings(max_examples=60)
def test_looser_candidates_drop_more_rows_and_never_others(
    scores: Sequence[float | None], rule: str
) -> None:
    rows = pl.DataFrame({"quality": pl.Series(scores, dtype=pl.Float64)})
    entry = {"rule": rule, "column": "quality"}
    for has_round in (False, True):
        candidates = candidate_entries(rows, entry, has_round=has_round)
        hits = find_dropped(rows, candidates)
        assert (hits[:-1] <= hits[1:]).all()
        validate_filters(candidates)


def test_few_values_are_all_tried() -> None:
    rows = pl.DataFrame({"refusal": [0.0, 0.5, 1.0, None], "output": [""] * 4})
    found = candidate_entries(rows, {"rule": "refusal", "column": "output", "value": 0.5})
    assert [entry["value"] for entry in found] == [1.0, 0.5, 0.0]


def test_the_threshold_of_the_recipe_is_a_candidate() -> None:
    rows = pl.DataFrame({"quality": np.linspace(0, 1, 1001)})
    found = candidate_entries(rows, {"rule": "min_quality", "value": 0.1234567})
    assert {"rule": "min_quality", "value": 0.1234567} in found


def test_rules_that_count_get_whole_numbers() -> None:
    rows = pl.DataFrame({"output": [" ".join(["word"] * count) for count in range(1, 40)]})
    values = [entry["value"] for entry in candidate_entries(rows, {"rule": "min_words"})]
    assert values == sorted(set(values))
    assert all(type(value) is int for value in values)


def test_thresholds_that_a_rule_cannot_take_are_no_candidates() -> None:
    rows = pl.DataFrame({"quality": [-3.0, 0.5, 40.0]})
    found = candidate_entries(rows, {"rule": "min_quality"})
    assert [entry["value"] for entry in found] == [0.5]


def test_a_rule_without_a_number_is_its_own_candidate() -> None:
    rows = pl.DataFrame({"needs_tools": [1.0], "instruction": ["Draw."]})
    entry = {"rule": "needs_tools", "column": "instruction"}
    assert candidate_entries(rows, entry) == [entry]
    assert not is_tunable({"rule": "language", "value": ["en"]})


def test_constant_and_absent_scores_have_candidates_or_none() -> None:
    same = pl.DataFrame({"quality": [0.4] * 20})
    absent = pl.DataFrame({"quality": [None] * 20}, schema={"quality": pl.Float64})
    assert len(candidate_entries(same, {"rule": "min_quality"}, has_round=True)) == 1
    assert candidate_entries(absent, {"rule": "min_quality"}, has_round=True) == []


@pytest.mark.parametrize("rule", FILTERS)
def test_every_rule_can_be_spelled_out_and_asked_for_its_columns(rule: str) -> None:
    entry = spell_out({"rule": rule})
    validate_filters([entry])
    assert missing_columns(entry, [])
    assert spell_out(entry) == entry


def test_missing_scores_are_computed_and_stored_ones_kept() -> None:
    rows = make_rows([make_row("Draw a cat.")], refusal=[0.25])
    found = add_missing_scores(rows, DEFAULT_FILTERS)
    assert found["refusal"].to_list() == [0.25]
    assert found["needs_tools"].to_list() == [1.0]
