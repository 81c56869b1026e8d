from typing import Any

import polars as pl
import pytest

from quality.regression import SHOWN, Broken, Candidate, check_gate
from schemas.recipe import GateOptions

ROWS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "instruction": ["A?", "B?", "C?", "D?"],
        "quality": [0.9, 0.8, None, 0.1],
        "language": ["en", "en", "de", "de"],
    }
)
OLD = ROWS.with_columns(quality=pl.Series([0.9, 0.8, 0.7, 0.6]), language=pl.lit("en"))
NOBODY = pl.DataFrame(schema=dict.fromkeys(("id", "instruction", "rule"), pl.String))
REMOVED = pl.DataFrame({"id": ["x"], "instruction": ["X?"], "rule": ["refusal"]})


def check(
    rows: pl.DataFrame = ROWS,
    old: pl.DataFrame | None = OLD,
    removed: pl.DataFrame = NOBODY,
    hits: pl.DataFrame | None = None,
    **options: Any,
) -> list[Broken]:
    return check_gate(Candidate(rows, old, removed, hits), GateOptions(**options))


def test_an_empty_gate_lets_all_pass() -> None:
    assert check(removed=REMOVED) == []


@pytest.mark.parametrize(("limit", "is_broken"), [(0.0, True), (0.24, True), (0.25, False)])
def test_lost_rows(limit: float, is_broken: bool) -> None:
    broken = check(removed=REMOVED, max_lost=limit)
    assert [rule.rule for rule in broken] == ["gate.max_lost"] * is_broken
    if is_broken:
        assert (broken[0].got, broken[0].told) == (0.25, "25.00% (1 of 4)")
        assert broken[0].rows.rows() == [("x", "X?", "gone: refusal")]


def test_too_few_rows() -> None:
    (broken,) = check(min_rows=5)
    assert (broken.rule, broken.expected, broken.got) == ("gate.min_rows", "at least 5 rows", 4)
    assert check(min_rows=4) == []


def test_a_mean_counts_the_rows_that_have_the_score() -> None:
    assert check(min_mean={"quality": 0.6}) == []
    (broken,) = check(min_mean={"quality": 0.61})
    assert broken.rule == "gate.min_mean.quality"
    assert broken.got == pytest.approx(0.6)
    assert broken.rows["id"].to_list() == ["d", "b", "a"]
    assert broken.rows["why"][0] == "quality 0.1"


def test_a_mean_without_any_score_is_no_proof() -> None:
    (broken,) = check(ROWS.with_columns(quality=None), min_mean={"quality": 0.1})
    assert (broken.told, broken.rows.height) == ("no row with a quality", 0)


def test_a_drop_is_held_against_the_version_before() -> None:
    assert check(max_drop={"quality": 0.16}) == []
    (broken,) = check(max_drop={"quality": 0.1})
    assert broken.expected == "a mean quality of at most 0.1 below the 0.75 before"
    (gone,) = check(ROWS.with_columns(quality=None), max_drop={"quality": 0.1})
    assert gone.told == "no row with a quality"


def test_new_rows_are_shown_first() -> None:
    (broken,) = check(old=OLD.filter(id="d"), min_mean={"quality": 0.99})
    assert broken.rows.rows() == [
        ("b", "B?", "new, quality 0.8"), ("a", "A?", "new, quality 0.9"),
        ("d", "D?", "quality 0.1"),
    ]  # fmt: skip


def test_shares_and_their_growth() -> None:
    assert check(max_share={"language": {"de": 0.5, "fr": 0.0}}) == []
    (broken,) = check(max_share={"language": {"de": 0.4}})
    assert (broken.rule, broken.told) == ("gate.max_share.language.de", "50.00% (2 of 4)")
    assert broken.rows["id"].to_list() == ["c", "d"]
    assert check(max_growth={"language": {"de": 0.5}}) == []
    (grown,) = check(max_growth={"language": {"de": 0.1}})
    assert grown.expected == (
        "the share of rows with language de to grow by at most 10.00% from 0.00%"
    )


def test_benchmark_hits() -> None:
    hits = pl.DataFrame({"id": ["b"], "matched_id": ["gsm8k:3"]})
    assert check(hits=hits, max_contaminated=1) == []
    (broken,) = check(hits=hits, max_contaminated=0)
    assert broken.rows.rows() == [("b", "B?", "holds gsm8k:3")]


def test_the_first_version_is_held_against_nothing() -> None:
    rules = {"max_lost": 0.0, "max_drop": {"quality": 0.0}, "max_growth": {"language": {"de": 0}}}
    assert check(old=None, **rules) == []


def test_every_broken_rule_is_named_in_the_order_of_the_options() -> None:
    broken = check(removed=REMOVED, max_contaminated=0, min_rows=9, max_lost=0.1,
                   hits=pl.DataFrame({"id": ["a"], "matched_id": ["m"]}))  # fmt: skip
    assert [rule.rule for rule in broken] == [
        "gate.max_lost", "gate.min_rows", "gate.max_contaminated",
    ]  # fmt: skip
    assert all(rule.rows.columns == list(SHOWN) for rule in broken)
