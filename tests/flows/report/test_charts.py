"""What the charts of the report draw."""

import math

import polars as pl
import pytest

from flows.report.charts import Threshold, find_thresholds, funnel_bars, make_histogram, score_names


def frame(*scores: float | None, name: str = "quality") -> pl.DataFrame:
    return pl.DataFrame({name: scores}, schema={name: pl.Float64})


def test_shares_of_a_group_add_up_to_one_whatever_lies_outside() -> None:
    found = make_histogram("quality", frame(0.1, 0.9, 2.0, -1.0), frame(0.5, None))
    assert found is not None
    assert math.isclose(sum(found.kept), 1, abs_tol=1e-4)
    assert math.isclose(sum(found.out), 1, abs_tol=1e-4)
    assert found.edges[0] < 0
    assert found.edges[-1] == 1


def test_scores_that_are_no_numbers_count_as_abstained() -> None:
    found = make_histogram("quality", frame(0.5, None, math.nan, math.inf), frame())
    assert found is not None
    assert (found.abstained, found.kept_median, found.out_median) == (3, 0.5, None)


def test_a_score_that_no_row_has_is_not_drawn() -> None:
    assert make_histogram("quality", frame(None), frame(math.nan)) is None
    assert make_histogram("other", frame(0.5), frame(0.5)) is None


@pytest.mark.parametrize(
    ("rule", "column", "bound"),
    [
        ({"rule": "max_score", "column": "repeated_lines", "value": 0.1}, "repeated_lines", 0.1),
        ({"rule": "min_quality", "value": 0.3}, "quality", 0.3),
        ({"rule": "max_repetition", "value": 0.2}, "repetition", 0.2),
        ({"rule": "min_score", "column": "judge_grade", "value": 4}, "judge_grade", 4.0),
    ],
)
def test_the_bound_of_a_rule_stands_at_the_score_that_it_reads(
    rule: dict[str, object], column: str, bound: float
) -> None:
    found = find_thresholds([{"notes": {"rules": [rule]}}])
    assert {name: [tuple(line) for line in lines] for name, lines in found.items()} == {
        column: [(rule["rule"], bound)]
    }


@pytest.mark.parametrize(
    "notes",
    [
        None,
        {},
        {"rules": [{"rule": "gone", "value": 1}]},
        {"rules": [{"rule": "empty_output"}]},
        {"rules": [{"rule": "not_in", "column": "id", "value": ["a"]}]},
    ],
)
def test_rules_without_a_bound_or_unknown_draw_no_line(notes: object) -> None:
    assert find_thresholds([{"notes": notes}]) == {}


def test_a_bound_outside_the_scores_is_still_drawn() -> None:
    scores = frame(3.0, 5.0, name="words")
    found = make_histogram("words", scores, frame(name="words"), [Threshold("max_words", 900.0)])
    assert found is not None
    assert found.edges[-1] == 900


def test_text_and_place_of_a_row_are_no_scores() -> None:
    rows = pl.DataFrame({"id": ["a"], "row": [1], "b": [1.0], "quality": [1], "language": ["en"]})
    assert score_names(rows, frame(1.0, name="a")) == ["quality", "a", "b"]


def test_the_funnel_gives_each_rule_to_its_stage_once() -> None:
    def stage(name: str, kept: int, dropped: int) -> dict[str, object]:
        return {"stage": name, "kept": kept, "dropped": dropped, "quarantined": 0}

    rules = [
        {"stage": "filter", "rule": "refusal", "count": 3},
        {"stage": "student", "rule": "weak", "count": 2},
        {"stage": "filter", "rule": "language", "count": 0},
    ]
    stages = [stage("student", 10, 0), stage("student", 8, 2), stage("filter", 5, 3)]
    assert funnel_bars(stages, rules) == [
        {"stage": "student", "kept": 10, "taken": []},
        {"stage": "student", "kept": 8, "taken": [[1, 2]]},
        {"stage": "filter", "kept": 5, "taken": [[0, 3]]},
    ]
