"""Items that stand in rows word for word, whole or in part."""

import random
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.decontaminate import BenchmarkItem, find_contamination, find_verbatim
from schemas.frames import DECISIONS
from tests.support.rows import make_row, make_rows

WORDS = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu",
]  # fmt: skip
ITEM = BenchmarkItem("bench.jsonl", 0, " ".join(WORDS))  # 12 words: 5 n-grams of 8
LONG = [f"word{number}" for number in range(40)]


def found(text: str, *items: BenchmarkItem, **options: Any) -> list[tuple[object, ...]]:
    rows = make_rows([make_row(text, "Nothing else here.", id="r")])
    lines = find_contamination(rows, items or [ITEM], **options)
    return lines.select("rule", "value", "matched_id").rows()


def hit_rows(texts: Sequence[str], items: Sequence[BenchmarkItem]) -> list[str]:
    rows = make_rows([make_row(text, id=f"r{n:02}") for n, text in enumerate(texts)])
    return sorted(find_contamination(rows, items)["id"])


@pytest.mark.parametrize(
    ("text", "rule", "share"),
    [
        (" ".join(WORDS), "exact", 1.0),
        (f"Please answer: {' '.join(WORDS).upper()}? Thanks.", "exact", 1.0),
        (", ".join(WORDS), "exact", 1.0),
        ("\n".join(WORDS), "exact", 1.0),
        (f"before {' '.join(WORDS)} after", "exact", 1.0),
        (" ".join(WORDS[:11]), "ngram", 0.8),
        (" ".join(WORDS[:10]), "ngram", 0.6),
        (f"{' '.join(WORDS[:11])} x {' '.join(WORDS[4:])}", "ngram", 1.0),
        (" ".join(WORDS[1:10]), None, 0),  # 2 of 5 n-grams
        (" ".join(WORDS[:7]), None, 0),  # shorter than an n-gram
        (" ".join([*WORDS[:6], "other", *WORDS[6:]]), None, 0),
        (" ".join(reversed(WORDS)), None, 0),
        ("", None, 0),
        ("!?", None, 0),
    ],
)
def test_a_row_is_hit_by_the_share_of_an_item_that_it_holds(
    text: str, rule: str | None, share: float
) -> None:
    expected = [] if rule is None else [(f"benchmark_{rule}", share, "bench.jsonl:0")]
    assert found(text) == expected


@pytest.mark.parametrize(
    ("threshold", "is_hit"), [(0.5, True), (0.6, True), (0.61, False), (1.0, False)]
)
def test_the_threshold_is_inclusive(threshold: float, is_hit: bool) -> None:
    assert len(found(" ".join(WORDS[:10]), max_coverage=threshold)) == is_hit


@pytest.mark.parametrize("column", ["instruction", "input", "output"])
def test_every_column_is_searched(column: str) -> None:
    row = {"instruction": "Ask", "output": "Say", "id": "r", "messages": None, column: ITEM.text}
    rows = make_rows([make_row(**row)])  # type: ignore[arg-type]
    assert find_contamination(rows, [ITEM])["id"].to_list() == ["r"]


@pytest.mark.parametrize("turn", range(5))
def test_every_turn_of_a_conversation_is_searched(turn: int) -> None:
    roles = ["system", "user", "assistant", "user", "assistant"]
    messages = [{"role": role, "content": f"Turn {n}."} for n, role in enumerate(roles)]
    messages[turn]["content"] = f"Well.\n\n{ITEM.text}\n\nSo."
    rows = make_rows([make_row("Turn 1.", "Turn 2.\n\nTurn 4.", id="r", messages=messages)])
    assert find_contamination(rows, [ITEM])["rule"].to_list() == ["benchmark_exact"]


def test_parts_of_an_item_in_two_turns_count_together() -> None:
    item = BenchmarkItem("b", 0, " ".join(LONG))
    messages = [
        {"role": "user", "content": " ".join(LONG[:18])},
        {"role": "assistant", "content": " ".join(LONG[22:])},
    ]
    rows = make_rows([make_row("a", "b", messages=messages)])
    assert find_contamination(rows, [item])["value"].to_list() == [pytest.approx(22 / 33)]


@pytest.mark.parametrize(
    ("item", "text", "is_hit"),
    [
        ("Who is Larry Page?", "who is larry page", True),
        ("Who is Larry Page?", "Tell me. Who is Larry Page?", False),  # four words, inside
        ("When did Larry Page found Google?", "Tell me. When did Larry Page found Google?", True),
        ("When did Larry Page found Google?", "Why, and when did Larry Page found Google?", False),
        ("What is 2+2?", "What is 2+2?", True),
        ("What is 2+2?", "What is 2-2?", False),
        ("What is 2+2?", "First: What is 2+2? Then go on.", False),
        ("Why?", "Why?", False),
        ("So what?", "So what?", False),
        ("Calculate the sum of 3 and 5.", "Calculate the sum of 3 and 7.", False),
        ("Wer hat die Zauberflöte komponiert?", "Sag: WER HAT DIE ZAUBERFLÖTE KOMPONIERT?", True),
    ],
)
def test_a_short_item_must_stand_there_whole(item: str, text: str, is_hit: bool) -> None:
    expected = [("benchmark_exact", 1.0, "b:3")] if is_hit else []
    assert found(text, BenchmarkItem("b", 3, item)) == expected


def test_a_short_sentence_that_many_rows_have_counts_only_where_it_is_all() -> None:
    item = BenchmarkItem("b", 0, "Can you help me with this?")
    texts = [f"Can you help me with this? It is about topic {n}." for n in range(10)]
    assert hit_rows([*texts[:9]], [item]) == [f"r{n:02}" for n in range(9)]
    assert hit_rows([*texts, "Can you help me with this?"], [item]) == ["r10"]


def test_a_phrase_of_many_rows_is_no_evidence() -> None:
    """The phrase is three quarters of the item."""
    phrase = "please work out what the sum of all of the following given numbers is"
    item = BenchmarkItem("b", 0, f"{phrase} 3 and 5")
    texts = [f"{phrase} {n} or {n * n}" for n in range(10, 22)]
    assert len(hit_rows(texts[:9], [item])) == 9
    assert hit_rows(texts, [item]) == []
    assert hit_rows([*texts, item.text], [item]) == ["r12"]


def test_many_copies_of_an_item_do_not_make_it_common() -> None:
    item = BenchmarkItem("b", 0, " ".join(LONG))
    texts = [f"{item.text} variant{n}" for n in range(30)]
    texts += [f"start{n} {' '.join(LONG[:37])}" for n in range(30)]
    assert len(hit_rows(texts, [item])) == 60


def test_a_phrase_of_several_items_is_no_evidence() -> None:
    phrase = "your whole response must be in lower case letters without any commas or digits please"
    items = [BenchmarkItem("b", n, f"Say{n} topic{n}. {phrase}") for n in range(3)]
    assert hit_rows([f"Something else. {phrase}"], items) == []
    assert hit_rows([f"Something else. {phrase}"], items[:2]) == ["r00"]
    assert hit_rows([items[1].text], items) == ["r00"]


def test_the_same_item_in_three_benchmarks_is_still_found() -> None:
    items = [
        BenchmarkItem(name, 0, ITEM.text + end) for name, end in (("a", ""), ("b", "!"), ("c", "?"))
    ]
    assert found(" ".join(WORDS[:11]), *items) == [("benchmark_ngram", 0.8, "a:0")]


def test_a_passage_alone_is_no_item_and_neither_is_its_question() -> None:
    passage = " ".join(LONG)
    item = BenchmarkItem("b", 0, "What is the main idea of it?", given=passage)
    both = f"{passage}\n\nWhat is the main idea of it?"
    assert hit_rows([both, passage, "What is the main idea of it?"], [item]) == ["r00"]
    assert hit_rows([f"{passage}\n\nWho wrote it, and why?"], [item]) == []


def test_one_instruction_with_another_input_is_another_item() -> None:
    task = "Decide whether the sentiment of the following sentence is positive or negative or mixed"
    item = BenchmarkItem("b", 0, task, given="I love it")
    rows = make_rows(
        [
            make_row(task, id=f"r{n}", input=text)
            for n, text in enumerate(["I hate it", "I love it"])
        ]
    )
    assert find_contamination(rows, [item])["id"].to_list() == ["r1"]


def test_options_must_be_there_with_a_question_that_says_too_little() -> None:
    options = ("Paris is in France", "Rome is in Spain")
    item = BenchmarkItem("b", 0, "Which of these is true?", more=options)
    with_options = "Which of these is true?\nA. Paris is in France\nB. Rome is in Spain"
    assert hit_rows([with_options, "Which of these is true?"], [item]) == ["r00"]
    telling = BenchmarkItem("b", 0, " ".join(LONG), more=options)
    assert hit_rows([" ".join(LONG)], [telling]) == ["r00"]


def test_the_most_covered_item_is_named_and_the_first_of_equals() -> None:
    partly = BenchmarkItem("b", 0, " ".join([*WORDS, "nu", "xi"]))
    assert found(" ".join(WORDS), partly, ITEM)[0][2] == "bench.jsonl:0"
    twin = BenchmarkItem("b", 9, ITEM.text)
    assert found(" ".join(WORDS), ITEM, twin)[0][2] == "bench.jsonl:0"


def test_the_decision_tells_the_whole_story() -> None:
    rows = make_rows([make_row(" ".join(WORDS[:10]), id="r"), make_row("Something else", id="s")])
    assert find_contamination(rows, [ITEM._replace(name="B/7")]).to_dicts() == [
        {
            "id": "r",
            "stage": "decontaminate",
            "rule": "benchmark_ngram",
            "action": "drop",
            "value": 0.6,
            "threshold": 0.5,
            "matched_id": "bench.jsonl:B/7",
            "similarity": 0.6,
            "evidence": "shares with item B/7 of bench.jsonl: "
            '"alpha beta gamma delta epsilon zeta eta theta iota kappa"',
        }
    ]


def test_evidence_of_a_long_item_is_short_and_holds_no_markup() -> None:
    item = BenchmarkItem("b", 0, " <b>".join(LONG * 3) + " {0} {name}")
    evidence = (
        found(item.text, item)
        and find_contamination(make_rows([make_row(item.text)]), [item])["evidence"].item()
    )
    assert len(evidence) < 220
    assert "<" not in evidence


def test_how_items_are_compared_is_told() -> None:
    texts = [" ".join(LONG), "When did Larry Page found Google?", "Who is he?", "Why?", ""]
    items = [BenchmarkItem("b", n, text) for n, text in enumerate(texts)]
    told = find_verbatim(make_rows([make_row("Ask")]), items).compared
    assert told == ["ngrams", "sentences", "turns", "skipped", "skipped"]


@pytest.mark.parametrize("text", ["", "   ", "?!"])
def test_an_item_without_words_hits_nothing(text: str) -> None:
    assert found("anything at all", BenchmarkItem("b", 0, text)) == []
    assert found("", BenchmarkItem("b", 0, text)) == []


def test_no_rows_and_no_items() -> None:
    rows = make_rows([make_row("Ask")])
    for frame, items in ((rows.clear(), [ITEM]), (rows, [])):
        lines = find_contamination(frame, items)
        assert (lines.height, lines.schema) == (0, pl.Schema(dict(DECISIONS)))


def test_null_columns_are_no_text() -> None:
    row = {**make_row("Ask"), "input": None, "output": None, "messages": None, "id": "r"}
    assert find_contamination(make_rows([row]), [ITEM]).height == 0


def test_a_script_without_spaces_is_compared_by_character() -> None:
    text = "小明有十六个苹果他每天吃三个苹果请问他还剩下多少个苹果"
    assert found(f"Bitte lösen: {text}?", BenchmarkItem("b", 0, text))[0][0] == "benchmark_exact"


texts = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


@settings(max_examples=12, deadline=None)
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
    assert turned.equals(strict)
    assert set(strict["value"] >= threshold) <= {True}


@settings(max_examples=12, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_shares_are_those_of_brute_force(rows_of_text: list[str], item: str) -> None:
    """Nothing is common among so few rows."""
    rows = make_rows([make_row(text, id=f"r{n}") for n, text in enumerate(rows_of_text)])
    hits = find_verbatim(rows, [BenchmarkItem("b", 0, item)], ngram=3, max_coverage=0.01).hits
    shares = {}
    for number, text in enumerate(rows_of_text):
        wanted, there = grams(item), grams(text)
        if len(wanted & there) >= 3:
            shares[f"r{number}"] = len(wanted & there) / len(wanted)
    if len(grams(item)) >= 3:
        assert dict(hits.select("id", "value").iter_rows()) == pytest.approx(shares)


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}


def test_one_item_is_found_among_many_rows_and_items() -> None:
    draw = random.Random(0)
    vocabulary = [f"w{number}" for number in range(3_000)]
    pool = [" ".join(draw.choices(vocabulary, k=60)) for _ in range(4_000)]
    items = [BenchmarkItem("b", n, " ".join(draw.choices(vocabulary, k=40))) for n in range(500)]
    pool[77] = f"{pool[77]} {items[9].text}"
    assert hit_rows(pool, items) == ["r77"]
