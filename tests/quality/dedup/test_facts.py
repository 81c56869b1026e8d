"""Facts: what a pair is judged by when its texts are gone."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.facts import (
    FACTS,
    Verdicts,
    as_lists,
    flatten_lists,
    judge_pairs,
    row_facts,
    word_agreement,
)
from quality.dedup.kernels import Places
from quality.dedup.shingles import hash_words
from schemas.frames import check_frame
from tests.support import shingles as reference

PAIR = np.array([[0, 1]], dtype=np.int64)
SHORT = st.one_of(
    st.lists(st.sampled_from(["red", "Blue", "grün", "!"]), max_size=8).map(" ".join),
    st.text("我喜欢吃苹果。", max_size=10),
    st.text(max_size=8),
)


def series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def facts_of(*rows: tuple[str, str]) -> pl.DataFrame:
    texts = ["\n".join(filter(None, row)) for row in rows]
    return row_facts(series(texts), series([lead for lead, _ in rows]))


def judged(left: tuple[str, str], right: tuple[str, str], *, guards: bool = True) -> Verdicts:
    return judge_pairs(facts_of(left, right), PAIR, guards=guards)


def agreement(left: str, right: str) -> float:
    return float(word_agreement(hash_words(series([left, right])), PAIR)[0])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Convert Celsius to Fahrenheit", "Convert Fahrenheit to Celsius", 0.5),
        ("Sum up the text", "sum up the text!", 1.0),
        ("Sum these numbers", "Sum the numbers", 2 / 3),
        ("", "", 0.0),
        ("?", "?", 0.0),
        ("a", "", 0.0),
        ("我喜欢苹果", "我喜欢香蕉", 0.6),
        ("สวัสดี", "สวัสดี", 1.0),
    ],
)
def test_agreement_of_words_sees_order(left: str, right: str, expected: float) -> None:
    assert agreement(left, right) == expected
    assert agreement(right, left) == expected


@settings(deadline=None, max_examples=60)
@given(SHORT, SHORT)
def test_agreement_is_that_of_plain_python(left: str, right: str) -> None:
    assert agreement(left, right) == reference.word_agreement(left, right)


@settings(deadline=None, max_examples=40)
@given(st.lists(SHORT, max_size=6))
def test_facts_survive_the_way_through_lists(texts: list[str]) -> None:
    words = hash_words(series(texts))
    lists = as_lists(*words)
    assert lists.dtype == pl.List(pl.UInt32)
    flat, offsets = flatten_lists(lists)
    assert flat.tolist() == words.hashes.tolist()
    assert offsets.tolist() == words.offsets.tolist()


def test_facts_are_numbers_without_a_text() -> None:
    facts = facts_of(("Sum up 'secret'", "the secret text"), ("", ""), ("Say hi", ""))
    check_frame(facts, FACTS, where="facts")
    assert facts.height == 3
    assert "secret" not in facts.write_json()
    assert facts["is_lead"].to_list() == [False, True, True]
    check_frame(facts_of(), FACTS, where="facts")


def test_one_input_under_two_tasks_does_not_agree() -> None:
    left = ("Write a summary of the paper", "the paper")
    assert not judged(left, ("Classify the abstract under a label", "the paper")).agrees[0]
    assert judged(left, ("Write a short summary of the paper", "the paper")).agrees[0]
    # Nothing but an instruction has been compared in full already.
    assert judged(("a b c", ""), ("x y z", "")).agrees[0]
    assert not judged(("a b c", ""), ("x y z", "more")).agrees[0]


@pytest.mark.parametrize("lead", ["", "?!", "🙂"])
def test_equal_leads_without_a_word_agree(lead: str) -> None:
    assert judged((lead, "one input"), (lead, "one input too")).agrees.tolist() == [True]
    assert judged((lead, "one input"), ("Do", "one input too")).agrees.tolist() == [False]


@pytest.mark.parametrize(("removed", "agrees"), [(2, True), (4, True), (5, False)])
def test_leads_agree_from_seven_tenths(removed: int, agrees: bool) -> None:
    # 2 · (10 - k) / (20 - k) is 0.89, 0.75 and 0.67.
    words = [f"w{chr(97 + n)}" for n in range(10)]
    verdict = judged((" ".join(words), "x"), (" ".join(words[removed:]), "x"))
    assert verdict.agrees.tolist() == [agrees]


def test_a_guard_names_itself_unless_it_is_off() -> None:
    left, right = ("Wait for 3 hours", ""), ("Wait for 4 hours", "")
    found = judged(left, right)
    assert found.agrees.tolist() == [True]
    assert found.vetoes.null_count() == 0
    assert found.passed.tolist() == [False]
    off = judged(left, right, guards=False)
    assert off.vetoes.to_list() == [None]
    assert off.vetoes.dtype == pl.String
    assert off.passed.tolist() == [True]


def pairs_of(n_rows: int) -> Places:
    return np.argwhere(np.triu(np.ones((n_rows, n_rows)), 1)).astype(np.int64)


@settings(deadline=None, max_examples=12)
@given(st.lists(st.tuples(SHORT, SHORT), min_size=2, max_size=4), st.booleans())
def test_every_pair_is_judged_as_if_alone(rows: list[tuple[str, str]], guards: bool) -> None:
    pairs = pairs_of(len(rows))
    together = judge_pairs(facts_of(*rows), pairs, guards=guards)
    for at, (a, b) in enumerate(pairs.tolist()):
        alone = judged(rows[a], rows[b], guards=guards)
        assert together.agrees[at] == alone.agrees[0]
        assert together.vetoes[at] == alone.vetoes[0]
        assert judged(rows[b], rows[a], guards=guards).passed.tolist() == alone.passed.tolist()


@pytest.mark.parametrize("guards", [True, False])
def test_no_pairs_get_no_verdict(guards: bool) -> None:
    nothing = judge_pairs(facts_of(("a", "b")), np.empty((0, 3), np.int64), guards=guards)
    assert nothing.passed.shape == (0,)
    assert nothing.vetoes.len() == 0
