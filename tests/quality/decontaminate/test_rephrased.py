"""Whose content agrees, and what an encoder's cosine makes of it."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.decontaminate import (
    BenchmarkItem,
    choose_hits,
    find_candidates,
    make_decisions,
    rephrased_hits,
    score_pairs,
)
from tests.support.rows import make_row, make_rows

ITEM = BenchmarkItem(
    "maths.jsonl",
    4,
    "Nina's goats give 16 litres of milk a day. She drinks three for breakfast and makes cheese of "
    "4. She sells the rest at the market for $2 a litre. How much does she earn each day?",
)
REPHRASED = (
    "Every day Nina gets 16 litres of milk from her goats. After 3 litres at breakfast and four "
    "for cheese, what remains is sold at the market at $2 per litre. What is her daily income?"
)


def agreements(texts: Sequence[str], item: BenchmarkItem = ITEM) -> dict[str, float]:
    rows = make_rows([make_row(text, "Fine.", id=f"r{n}") for n, text in enumerate(texts)])
    found = find_candidates(rows, [item])
    pairs = found.pairs.join(found.rows, on="text").sort("agreement")
    return dict(pairs.select("id", "agreement").iter_rows())


def test_a_rephrased_item_agrees() -> None:
    assert agreements([REPHRASED])["r0"] > 0.5


@pytest.mark.parametrize(
    ("old", "new"),
    [("16", "18"), ("$2", "$5"), ("16 litres of milk", "25 litres of milk"), ("16", "16.5")],
)
def test_one_other_number_makes_it_another_problem(old: str, new: str) -> None:
    assert agreements([REPHRASED.replace(old, new)]) == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("16", "sixteen"),
        ("3 litres", "three litres"),
        ("four", "4"),
        ("$2", "$2.00"),
        ("16", "016"),
    ],
)
def test_a_number_may_be_written_in_another_way(old: str, new: str) -> None:
    assert "r0" in agreements([REPHRASED.replace(old, new)])


def test_a_number_may_be_left_out_but_not_most_of_them() -> None:
    less = REPHRASED.replace(" at $2 per litre", "")
    assert "r0" in agreements([less])
    least = less.replace("16 litres of ", "").replace(" and four for cheese", "")
    assert agreements([least]) == {}


def test_another_problem_with_the_same_numbers_has_other_words() -> None:
    other = "A train of 16 cars passes 3 signals, 4 bridges and 2 stations. How long is it?"
    assert agreements([other])["r0"] < 0.3


@pytest.mark.parametrize(
    "row",
    [
        make_row("Solve this.", "Done.", input=REPHRASED),
        make_row("Write a problem for my pupils.", f"With pleasure:\n{REPHRASED}\nAnswer: 18"),
        make_row(f"Question: {REPHRASED}\nAnswer:\n#### 18", ""),
    ],
)
def test_every_turn_paragraph_and_line_is_looked_at(row: dict[str, object]) -> None:
    found = find_candidates(make_rows([row]), [ITEM])
    assert found.pairs["agreement"].max() > 0.5  # type: ignore[operator]


def test_too_little_content_is_not_compared() -> None:
    items = [BenchmarkItem("b", 0, "What is it?"), BenchmarkItem("b", 1, ""), ITEM]
    found = find_candidates(make_rows([make_row("What is it?")]), items)
    assert (found.compared, found.pairs.height) == ([False, False, True], 0)


def test_a_topic_is_no_evidence_where_everybody_has_it() -> None:
    """The same words weigh less the more texts have them."""
    item = BenchmarkItem("b", 0, "Suggest ways to increase productivity while working from home")
    asked = "How could someone increase their productivity while working from home?"
    others = [f"Increase productivity working from home number{n}" for n in range(4_000)]
    assert agreements([asked], item)["r0"] > 0.7
    assert "r0" not in agreements([asked, *others], item)


def test_nothing_to_compare() -> None:
    rows = make_rows([make_row("Ask")])
    for frame, items in ((rows.clear(), [ITEM]), (rows, [])):
        found = find_candidates(frame, items)
        assert found.pairs.height == 0
        assert rephrased_hits(found, items, np.empty(0), threshold=0.8).height == 0


def test_scores_never_fall_with_the_cosine_or_the_agreement() -> None:
    grid = pl.DataFrame({"agreement": [0.2, 0.5, 1.0]}).with_columns(has_numbers=True)
    low, high = (score_pairs(grid, np.full(3, cosine)).to_list() for cosine in (0.7, 0.9))
    assert low == [0.58, 0.7, 0.9]
    assert high == [0.78, 0.9, 1.0]
    without = score_pairs(grid.with_columns(has_numbers=False), np.full(3, 0.9)).to_list()
    assert without == [0.68, 0.8, 1.0]


@pytest.mark.parametrize(("cosine", "is_hit"), [(0.95, True), (0.6, False)])
def test_the_cosine_decides_between_texts_of_equal_content(cosine: float, is_hit: bool) -> None:
    found = find_candidates(make_rows([make_row(REPHRASED, id="r")]), [ITEM])
    cosines = np.full(found.pairs.height, cosine, dtype=np.float32)
    hits = choose_hits(rephrased_hits(found, [ITEM], cosines, threshold=0.8))
    assert (hits.height > 0) is is_hit


def test_a_decision_names_the_shared_numbers_and_words() -> None:
    found = find_candidates(make_rows([make_row(REPHRASED, id="r")]), [ITEM])
    cosines = np.full(found.pairs.height, 0.9)
    hits = choose_hits(rephrased_hits(found, [ITEM], cosines, threshold=0.8))
    line = make_decisions(hits, [ITEM]).row(0, named=True)
    assert (line["rule"], line["matched_id"]) == ("benchmark_semantic", "maths.jsonl:4")
    assert (line["threshold"], line["similarity"]) == (0.8, 0.9)
    assert line["value"] > 0.9
    assert line["evidence"].startswith(
        'rephrases item 4 of maths.jsonl; both have "16, three, 4, 2, nina, goats, litres, milk'
    )


sentences = st.lists(
    st.sampled_from(["goats", "milk", "nina", "16", "4", "market", "cheese", "breakfast", "7"]),
    min_size=1,
    max_size=9,
).map(" ".join)


@settings(max_examples=12, deadline=None)
@given(st.lists(sentences, max_size=5, unique=True))
def test_the_order_of_rows_does_not_matter(texts: list[str]) -> None:
    assert agreements(texts) == {
        f"r{len(texts) - 1 - int(name[1:])}": value
        for name, value in agreements(texts[::-1]).items()
    }


@settings(max_examples=12, deadline=None)
@given(sentences, sentences)
def test_agreement_is_a_share_and_alike_from_both_sides(one: str, other: str) -> None:
    there = agreements([one], BenchmarkItem("b", 0, other))
    back = agreements([other], BenchmarkItem("b", 0, one))
    assert there == back
    assert all(0.2 <= value <= 1 for value in there.values())
