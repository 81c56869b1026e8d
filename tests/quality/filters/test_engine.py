from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.filters.engine import apply_filters, validate_filters
from quality.scorers import add_scores
from schemas.errors import InputError
from schemas.frames import DECISIONS, ROWS, empty_frame

MakeRows = Callable[..., pl.DataFrame]
FAST = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.sampled_from(["", "N/A", "Yes.", "As an AI, I cannot", "Draw a cat.", "2 + 2 = 5", "```x"]),
)
RECORDS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6)


def rows_of(records: Sequence[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    columns = list(zip(*records, strict=True)) or [(), (), ()]
    texts = dict(zip(("instruction", "input", "output"), columns, strict=True))
    ids = pl.Series([f"r{place}" for place in range(len(records))], dtype=pl.String)
    return (
        empty_frame(ROWS)
        .clear(len(records))
        .with_columns(
            id=ids, **{name: pl.Series(list(texts[name]), dtype=pl.String) for name in texts}
        )
    )


def test_a_dropped_row_has_one_drop_and_every_further_failure(make_rows: MakeRows) -> None:
    rows = make_rows(["", "Yes.", "N/A"])
    filters = [{"rule": "min_words", "value": 2}, {"rule": "empty_output"},
               {"rule": "placeholder_output"}]  # fmt: skip
    result = apply_filters(rows, filters)
    assert result.kept["id"].to_list() == []
    assert result.decisions.select(
        "id", "stage", "rule", "action", "value", "threshold"
    ).rows() == [
        ("0", "filter", "min_words", "drop", 0.0, 2.0),
        ("0", "filter", "empty_output", "would_drop", 0.0, 1.0),
        ("1", "filter", "min_words", "drop", 1.0, 2.0),
        ("2", "filter", "min_words", "drop", 1.0, 2.0),
        ("2", "filter", "placeholder_output", "would_drop", 1.0, 1.0),
    ]


def test_the_order_of_the_recipe_decides_the_reason(make_rows: MakeRows) -> None:
    rows = make_rows(["N/A"])
    filters: list[dict[str, Any]] = [
        {"rule": "placeholder_output"},
        {"rule": "min_words", "value": 9},
    ]
    for ordered in (filters, filters[::-1]):
        decisions = apply_filters(rows, ordered).decisions
        assert decisions["rule"].to_list() == [entry["rule"] for entry in ordered]
        assert decisions["action"].to_list() == ["drop", "would_drop"]


def test_abstentions_are_kept_and_written_down(make_rows: MakeRows) -> None:
    rows = make_rows(["Yes."]).with_columns(grade=pl.lit(None, dtype=pl.Float64))
    result = apply_filters(rows, [{"rule": "min_score", "column": "grade", "value": 4}])
    assert result.kept.height == 1
    assert result.decisions.select("rule", "action", "value", "threshold", "evidence").rows() == [
        ("min_score", "abstain", None, 4.0, None)
    ]


def test_abstentions_can_drop(make_rows: MakeRows) -> None:
    rows = make_rows(["Yes."]).with_columns(grade=pl.lit(None, dtype=pl.Float64))
    filters = [{"rule": "min_score", "column": "grade"}, {"rule": "min_words", "value": 2}]
    result = apply_filters(rows, filters, on_abstain="drop")
    assert result.dropped["id"].to_list() == ["0"]
    assert result.decisions.select("rule", "action", "value", "evidence").rows() == [
        ("min_score", "drop", None, "abstained"),
        ("min_words", "would_drop", 1.0, "Yes."),
    ]


def test_a_row_of_only_kept_checks_has_no_decision(make_rows: MakeRows) -> None:
    assert apply_filters(make_rows(["Blue."]), [{"rule": "refusal"}]).decisions.height == 0


def test_no_filters_keep_everything(make_rows: MakeRows) -> None:
    rows = make_rows(["", "a"])
    result = apply_filters(rows, [])
    assert result.kept.equals(rows)
    assert result.decisions.schema == pl.Schema(DECISIONS)


def test_columns_and_rows_are_handed_back_unchanged(make_rows: MakeRows) -> None:
    rows = make_rows(["N/A", "Blue.", ""]).with_columns(extra=pl.int_range(3))
    before = rows.clone()
    result = apply_filters(rows, DEFAULT_FILTERS)
    assert rows.equals(before)
    assert result.kept.equals(rows[1:2])
    assert result.dropped.equals(rows.filter(pl.col("extra") != 1))


def test_score_columns_that_are_there_are_used(make_rows: MakeRows) -> None:
    rows = make_rows(["Blue."]).with_columns(refusal=pl.lit(1.0))
    assert apply_filters(rows, [{"rule": "refusal"}]).dropped.height == 1


def test_evidence_is_cut(make_rows: MakeRows) -> None:
    result = apply_filters(make_rows(["a " * 500]), [{"rule": "max_words", "value": 1}])
    assert result.decisions["evidence"].str.len_chars().to_list() == [200]


def test_secrets_are_masked_in_evidence(make_rows: MakeRows) -> None:
    key = "ghp_a8Kq2LmN7pRs4TuV9wXy3ZbC6dEf1GhJ5kMn"
    result = apply_filters(make_rows([f"Use {key}"]), [{"rule": "secrets"}])
    assert result.decisions["evidence"].to_list() == ["ghp_… (40 characters)"]
    phone = apply_filters(make_rows(["Call +49 151 29486071"]), [{"rule": "personal_data"}])
    assert phone.decisions["evidence"].to_list() == ["+49 … (16 characters)"]


def test_duplicate_ids_are_separate_rows(make_rows: MakeRows) -> None:
    rows = make_rows(["", "Blue."]).with_columns(id=pl.lit("same"))
    result = apply_filters(rows, [{"rule": "empty_output"}])
    assert result.kept["output"].to_list() == ["Blue."]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"rule": "min_word"}, "filters[1].rule: expected 'min_words', got 'min_word'"),
        ({"rule": 3}, "filters[1].rule: expected one of "),
        ({}, "filters[1].rule: expected one of "),
        ("min_words", "filters[1]: expected a mapping with 'rule', got 'min_words'"),
        ({"rule": "min_words", "colum": "x"}, "filters[1].colum: expected 'column', got 'colum'"),
        ({"rule": "min_words", "column": "outputs"},
         "filters[1].column: expected 'output', got 'outputs'"),
        ({"rule": "min_words", "value": "3"},
         "filters[1].value: expected a valid integer, got '3'"),
        ({"rule": "min_words", "value": True},
         "filters[1].value: expected a valid integer, got True"),
        ({"rule": "min_words", "value": -1},
         "filters[1].value: expected greater than or equal to 0, got -1"),
        ({"rule": "min_quality", "value": 2.0},
         "filters[1].value: expected less than or equal to 1, got 2.0"),
        ({"rule": "min_quality", "value": float("nan")}, "filters[1].value: expected "),
        ({"rule": "language", "value": "en"},
         "filters[1].value: expected a valid list, got 'en'"),
        ({"rule": "language", "value": []}, "filters[1].value: "),
        ({"rule": "empty_output", "value": 1},
         "filters[1].value: expected no value, empty_output takes none, got 1"),
        ({"rule": "refusal", "column": "input"},
         "filters[1].column: expected 'output', got 'input'"),
    ],
)  # fmt: skip
def test_errors_name_the_path(make_rows: MakeRows, entry: Any, message: str) -> None:
    filters = [{"rule": "empty_output"}, entry]
    with pytest.raises(InputError) as without_data:
        validate_filters(filters)
    with pytest.raises(InputError) as with_data:
        apply_filters(make_rows(["x"]), filters)
    assert str(without_data.value).startswith(message)
    assert str(with_data.value).startswith(message)
    assert "\n" not in str(without_data.value)


def test_columns_to_come_can_be_announced() -> None:
    validate_filters([{"rule": "min_score", "column": "grade", "value": 4}], columns=["grade"])


def test_null_options_mean_the_default() -> None:
    validate_filters([{"rule": "min_words", "column": None, "value": None}])


def test_default_filters_are_valid() -> None:
    validate_filters(DEFAULT_FILTERS)


@FAST
@given(RECORDS, st.sampled_from(["keep", "drop"]))
def test_kept_and_dropped_are_the_input(
    records: list[tuple[str | None, str | None, str | None]], on_abstain: Any
) -> None:
    rows = rows_of(records)
    filters = [{"rule": name} for name in FILTERS]
    result = apply_filters(rows, filters, on_abstain=on_abstain)
    assert result.kept.height + result.dropped.height == rows.height
    assert sorted([*result.kept["id"], *result.dropped["id"]]) == rows["id"].to_list()
    drops = result.decisions.filter(pl.col("action") == "drop")["id"].to_list()
    assert drops == result.dropped["id"].to_list()
    assert not result.decisions["value"].is_nan().any()
    assert result.decisions.schema == pl.Schema(DECISIONS)
    actions = {"drop", "would_drop"} | ({"abstain"} if on_abstain == "keep" else set())
    assert set(result.decisions["action"]) <= actions


@FAST
@given(RECORDS)
def test_decisions_do_not_depend_on_the_order_of_rows(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    rows = rows_of(records)
    filters = [{"rule": name} for name in FILTERS]
    forth = apply_filters(rows, filters).decisions.sort("id", maintain_order=True)
    back = apply_filters(rows.reverse(), filters).decisions.sort("id", maintain_order=True)
    assert forth.equals(back)


@FAST
@given(RECORDS)
def test_a_stricter_threshold_never_keeps_more(
    records: list[tuple[str | None, str | None, str | None]],
) -> None:
    rows = add_scores(rows_of(records))
    loose_to_strict: dict[str, Sequence[float]] = {
        "min_words": (0, 1, 5), "max_words": (9, 3, 0), "max_repetition": (1.0, 0.5, 0.0),
        "refusal": (1.0, 0.5, 0.0), "unfinished": (1.0, 0.5, 0.0), "min_quality": (0.0, 0.5, 1.0),
        "asked_count": (3, 1, 0), "secrets": (2, 1, 0), "personal_data": (2, 1, 0),
        "unreadable_urls": (1.0, 0.5), "leaked_prompt": (1.0, 0.5), "wrong_arithmetic": (1.0, 0.0),
        "min_score": (0.0, 1.0), "max_score": (1.0, 0.0), "asked_length": (1.0, 0.5, 0.0),
        "asked_phrases": (0.0, 0.5, 1.0), "max_padding": (1.0, 0.5, 0.0),
    }  # fmt: skip
    for rule, values in loose_to_strict.items():
        kept = [
            set(apply_filters(rows, [{"rule": rule, "value": value}]).kept["id"])
            for value in values
        ]
        assert all(less <= more for more, less in pairwise(kept)), rule
