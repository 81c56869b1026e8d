import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.decontaminate import BenchmarkItem, find_contamination
from schemas.frames import DECISIONS
from tests.support.rows import make_row, make_rows

WORDS = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu",
]  # fmt: skip
ITEM = BenchmarkItem("bench.jsonl", 0, " ".join(WORDS))  # 12 words: 5 n-grams of 8


def found(text: str, *items: BenchmarkItem, **options: float) -> list[tuple[object, ...]]:
    rows = make_rows([make_row(text, "Nothing else here.", id="r")])
    lines = find_contamination(rows, items or [ITEM], **options)  # type: ignore[arg-type]
    return lines.select("id", "value", "matched_id").rows()


@pytest.mark.parametrize(
    ("text", "coverage"),
    [
        (" ".join(WORDS), 1.0),
        (f"Please answer: {' '.join(WORDS).upper()}? Thanks.", 1.0),
        (", ".join(WORDS), 1.0),
        ("\n".join(WORDS), 1.0),
        (" ".join(WORDS[:11]), 0.8),
        (" ".join(WORDS[:10]), 0.6),
        (" ".join(WORDS[1:10]), None),  # 2 of 5 n-grams
        (" ".join(WORDS[:7]), None),  # shorter than an n-gram
        (" ".join([*WORDS[:6], "other", *WORDS[6:]]), None),
        ("", None),
        ("!?", None),
    ],
)
def test_a_row_is_hit_by_the_share_of_an_item_that_it_holds(
    text: str, coverage: float | None
) -> None:
    expected = [] if coverage is None else [("r", coverage, "bench.jsonl:0")]
    assert found(text) == expected


@pytest.mark.parametrize(
    ("threshold", "is_hit"), [(0.5, True), (0.6, True), (0.61, False), (1.0, False)]
)
def test_the_threshold_is_inclusive(threshold: float, is_hit: bool) -> None:
    assert len(found(" ".join(WORDS[:10]), max_coverage=threshold)) == is_hit


@pytest.mark.parametrize("column", ["instruction", "input", "output"])
def test_every_column_is_searched(column: str) -> None:
    row = {"instruction": "Ask", "output": "Say", "id": "r", column: ITEM.text}
    rows = make_rows([make_row(**row)])  # type: ignore[arg-type]
    assert find_contamination(rows, [ITEM])["id"].to_list() == ["r"]


def test_a_short_item_counts_whole() -> None:
    short = BenchmarkItem("b", 3, "Who wrote Hamlet?")
    assert found("Tell me: who wrote Hamlet, and when?", short) == [("r", 1.0, "b:3")]
    assert found("Who wrote it? Hamlet!", short) == []


def test_the_most_covered_item_is_named_and_the_first_of_equals() -> None:
    partly = BenchmarkItem("b", 0, " ".join([*WORDS, "nu", "xi"]))
    assert found(" ".join(WORDS), partly, ITEM)[0][2] == "bench.jsonl:0"
    twin = BenchmarkItem("b", 9, ITEM.text)
    assert found(" ".join(WORDS), ITEM, twin)[0][2] == "bench.jsonl:0"


def test_the_decision_tells_the_whole_story() -> None:
    rows = make_rows([make_row(ITEM.text, id="r"), make_row("Something else", id="s")])
    assert find_contamination(rows, [ITEM]).to_dicts() == [
        {
            "id": "r",
            "stage": "decontaminate",
            "rule": "benchmark",
            "action": "drop",
            "value": 1.0,
            "threshold": 0.5,
            "matched_id": "bench.jsonl:0",
            "similarity": 1.0,
            "evidence": "shares 'alpha beta gamma delta epsilon zeta eta theta' with item 0 of "
            "bench.jsonl",
        }
    ]


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_an_item_without_words_hits_nothing(text: str) -> None:
    assert found("anything at all", BenchmarkItem("b", 0, text)) == []


def test_no_rows_and_no_items() -> None:
    rows = make_rows([make_row("Ask")])
    for frame, items in ((rows.clear(), [ITEM]), (rows, [])):
        lines = find_contamination(frame, items)
        assert (lines.height, lines.schema) == (0, pl.Schema(dict(DECISIONS)))


texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4), st.floats(0.1, 1))
def test_a_higher_threshold_never_hits_more_and_row_order_does_not_matter(
    rows_of_text: list[str], items_of_text: list[str], threshold: float
) -> None:
    rows = make_rows([make_row(text, id=f"r{n}") for n, text in enumerate(rows_of_text)])
    items = [BenchmarkItem("b", n, text) for n, text in enumerate(items_of_text)]
    lax = find_contamination(rows, items, ngram=3, max_coverage=0.1)
    strict = find_contamination(rows, items, ngram=3, max_coverage=threshold)
    assert set(strict["id"]) <= set(lax["id"])
    turned = find_contamination(rows.reverse(), items, ngram=3, max_coverage=threshold)
    assert turned.sort("id").equals(strict.sort("id"))
    assert set(strict["value"] >= threshold) <= {True}
