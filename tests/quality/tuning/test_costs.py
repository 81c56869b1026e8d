import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.filters import DEFAULT_FILTERS
from quality.scorers import add_scores
from quality.tuning.costs import cost_rules, cost_thresholds, own_rule, rules_for
from quality.tuning.marks import Marked, rate_rules
from tests.support.rows import make_row, make_rows

QUALITY = {"rule": "min_quality", "value": 0.5}
CRAFT = {"rule": "min_score", "column": "craft", "value": 0.5}


def frame(quality: list[float | None], craft: list[float], source: str = "ab") -> pl.DataFrame:
    sources = [source[place % len(source)] for place in range(len(quality))]
    return pl.DataFrame(
        {"quality": quality, "craft": craft, "source": sources},
        schema_overrides={"quality": pl.Float64},
    )


def test_rules_are_counted_alone_and_beyond_the_others() -> None:
    rows = frame([0.1, 0.2, 0.9, None], [0.1, 0.9, 0.2, 0.9])
    found = cost_rules(rows, [QUALITY, CRAFT])
    assert [(one.dropped, one.alone, one.abstained) for one in found.rules] == [
        (2, 1, 1),
        (2, 1, 0),
    ]
    assert found.dropped.any(axis=0).tolist() == [True, True, True, False]
    strict = cost_rules(rows, [QUALITY, CRAFT], on_abstain="drop")
    assert [(one.dropped, one.abstained) for one in strict.rules] == [(3, 1), (2, 0)]


def test_costs_of_the_default_filters_are_those_of_the_engine() -> None:
    rows = add_scores(make_rows([make_row("Draw a cat.", ""), make_row("Name a colour.", "Red.")]))
    found = {one.entry["rule"]: one for one in cost_rules(rows, DEFAULT_FILTERS).rules}
    assert (found["empty_output"].dropped, found["needs_tools"].dropped) == (1, 1)
    assert found["empty_output"].alone == 0


SCORES = st.lists(st.floats(0, 1).map(lambda value: round(value, 3)), min_size=2, max_size=50)


@given(scores=SCORES, low=st.booleans())
@settings(max_examples=50)
def test_looser_thresholds_cost_more_and_shares_add_up(scores: list[float], low: bool) -> None:
    rows = frame(list(scores), [0.5] * len(scores))
    entry = {"rule": "min_score" if low else "max_score", "column": "quality"}
    others = np.arange(len(scores)) % 3 == 0
    found = cost_thresholds(rows, entry, others)
    counts = [one.dropped for one in found]
    assert counts == sorted(set(counts))
    for one in found:
        value = one.entry["value"]
        goes = [score < value if low else score > value for score in scores]
        assert one.dropped == sum(goes) == sum(one.by_source.values())
        assert one.more == sum(gone and not taken for gone, taken in zip(goes, others, strict=True))


def test_the_present_threshold_is_marked_and_kept_among_equal_ones() -> None:
    rows = frame([0.1, 0.2, 0.3, 0.9], [0.5] * 4)
    entry = {"rule": "min_quality", "value": 0.35}
    found = cost_thresholds(rows, entry, np.zeros(4, dtype=np.bool_))
    assert [one.entry["value"] for one in found if one.is_current] == [0.35]
    assert [one.dropped for one in found].count(3) == 1


def test_asked_thresholds_are_shown_even_where_they_drop_nothing() -> None:
    rows = frame([0.1, 0.9], [0.5, 0.5], source="a")
    found = cost_thresholds(
        rows, {"rule": "min_quality"}, np.zeros(2, np.bool_), values=[0.05, 0.5]
    )
    assert [(one.entry["value"], one.dropped) for one in found] == [(0.05, 0), (0.5, 1)]
    assert [one.by_source for one in found] == [{}, {}]


def test_labels_tell_precision_recall_and_false_positives() -> None:
    marked = Marked(frame([0.1, 0.2, 0.3, 0.9], [0.5] * 4), np.array([True, True, False, True]))
    (figures,) = rate_rules(marked, [QUALITY])
    assert figures.precision[3:] == (2, 3)
    assert figures.recall[3:] == (2, 3)
    assert figures.false_positive_rate[3:] == (1, 1)
    found = cost_thresholds(
        marked.rows, QUALITY, np.zeros(4, np.bool_), values=[0.5], marked=marked
    )
    assert found[0].labels == figures


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("quality", ["min_quality"]),
        ("urls", ["unreadable_urls"]),
        ("arithmetic", ["wrong_arithmetic"]),
        ("craft", ["min_score", "max_score"]),
        ("judge", ["min_score", "max_score"]),
    ],
)
def test_a_score_has_its_own_rule_or_two_bounds(column: str, wanted: list[str]) -> None:
    assert [entry["rule"] for entry in rules_for(column, [])] == wanted


def test_rules_of_the_recipe_come_before_any_other() -> None:
    rules = [{"rule": "refusal", "value": 1.0}, CRAFT]
    assert rules_for("refusal", rules) == rules[:1]
    assert rules_for("craft", rules) == rules[1:]
    assert own_rule("output") is None
