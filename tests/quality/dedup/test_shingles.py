"""Shingles: words, scripts without spaces, short and empty texts."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.shingles import (
    fold,
    jaccard,
    join_columns,
    shingle_set,
    word_agreement,
    words,
)
from schemas.errors import RunError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" \n\t", set()),
        ("Hello", {"hello"}),
        ("Hello, World!", {"hello world"}),
        ("a b c d", {"a b c", "b c d"}),
        ("???", {"???"}),
        ("🙂", {"🙂"}),
        ("我喜欢你", {"我喜欢你"}),
        ("我喜欢吃苹果", {"我喜欢吃苹", "喜欢吃苹果"}),
        ("私は リンゴ。", {"私はリンゴ"}),
        ("나는 사과를 정말 좋아한다", {"나는 사과를 정말", "사과를 정말 좋아한다"}),
    ],
)
def test_shingles_of(text: str, expected: set[str]) -> None:
    assert shingle_set(text) == {fold(shingle) for shingle in expected}


def test_mostly_english_with_one_chinese_word_is_cut_into_words() -> None:
    assert "translate the word" in shingle_set("Translate the word 苹果 into English please")


def test_vowel_signs_belong_to_their_word() -> None:
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert shingle_set("कि") != shingle_set("की")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_only_white_space_has_no_shingle(text: str) -> None:
    assert bool(shingle_set(text)) == bool(text.strip())


@settings(deadline=None)
@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert shingle_set(fold(text)) == shingle_set(text)


def test_two_empty_texts_are_not_alike() -> None:
    assert jaccard(frozenset(), frozenset()) == 0.0


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Convert Celsius to Fahrenheit", "Convert Fahrenheit to Celsius", 0.5),
        ("Sum up the text", "sum up the text!", 1.0),
        ("", "", 1.0),
        ("a", "", 0.0),
        ("我喜欢苹果", "我喜欢香蕉", 0.6),
    ],
)
def test_agreement_of_words_sees_order(left: str, right: str, expected: float) -> None:
    assert word_agreement(left, right) == expected


def test_columns_are_joined_without_the_empty_ones() -> None:
    rows = pl.DataFrame({"a": ["x", "x", None], "b": ["y", "", "z"]})
    assert join_columns(rows, ("a", "b")) == ["x\ny", "x", "z"]
    with pytest.raises(RunError, match="expected columns"):
        join_columns(rows, ("a", "c"))
