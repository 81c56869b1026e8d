"""Shingles: compiled against plain Python; words, scripts without spaces, short and empty texts."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quality.dedup.shingles import (
    Fingerprints,
    fingerprint,
    fold,
    hash_words,
    join_columns,
    row_ids,
    words,
)
from schemas.errors import RunError
from tests.support import shingles as reference

# What folding, splitting and hashing could each get wrong.
TRICKY = st.sampled_from(
    [
        *"aAzZ09_ .,-\n\t\x00\x0b\x1c\x1f\x7f\x85\xa0",
        *("\u0301", "\u0308", "é", "ß", "ẞ", "İ", "ı", "ſ", "K", "Å", "Ω", "ﬁ", "ǅ", "ΐ"),
        *("我", "喜", "欢", "。", "、", "ー", "ｶ", "か", "が", "ก", "ำ", "่", "ຂ", "བ", "မ", "ក"),
        *("나", "ᄀ", "ᅡ", "क", "ि", "्", "א", "ش", "٣", "²", "①", "Ⅻ", "🙂", "👩‍💻", "🇩🇪"),
        *("\u200b", "\u200d", "\ufeff", "\u2003", "\u2028", "\u3000", "\ufffd", "\U0010ffff"),
        *("one", "two three ", "Straße ", "苹果", "สวัสดี", "word " * 7),
    ]
)
TEXT = st.one_of(
    st.text(max_size=30),
    st.lists(TRICKY, max_size=25).map("".join),
    st.lists(st.sampled_from(["red", "Blue,", "GREEN", "grün"]), max_size=60).map(" ".join),
)


def series(*texts: str | None) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def rows_of(prints: Fingerprints) -> list[list[int]]:
    flat, ends = prints.hashes.tolist(), prints.offsets.tolist()
    return [flat[ends[row] : ends[row + 1]] for row in range(len(prints))]


def low_halves(prints: Fingerprints) -> list[list[int]]:
    return [sorted(value & 0xFFFFFFFF for value in row) for row in rows_of(prints)]


def digests(shingles: frozenset[str]) -> list[int]:
    return sorted(reference.digest(shingle) for shingle in shingles)


def assert_cut(texts: list[str], shingle: int = 3, characters: int = 5) -> None:
    """The shingles of `texts` are the reference's, each row sorted, each shingle one hash."""
    found = fingerprint(series(*texts), shingle=shingle, characters=characters)
    sets = [reference.shingle_set(text, shingle, characters) for text in texts]
    assert low_halves(found) == [digests(shingles) for shingles in sets]
    assert all(row == sorted(set(row)) for row in rows_of(found))
    # The same text is another shingle where it is one word and where it is five characters.
    kinds = [reference.is_unspaced(reference.words(text)) for text in texts]
    named = {(kind, one) for kind, shingles in zip(kinds, sets, strict=True) for one in shingles}
    hashed = {
        (kind, value) for kind, row in zip(kinds, rows_of(found), strict=True) for value in row
    }
    assert len(hashed) == len(named)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXT, max_size=5))
@example(["\x00", "a\x00b c d", "\x00 \x00"])
@example(["a b c d e f g h", "H G F E D C B A", "a b c a b c a b c a b c a b c"])
def test_shingles_of_any_texts_are_those_of_plain_python(texts: list[str]) -> None:
    assert_cut(texts)


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXT, max_size=3), st.integers(1, 6), st.integers(1, 7))
def test_shingles_of_any_length_are_those_of_plain_python(
    texts: list[str], shingle: int, characters: int
) -> None:
    assert_cut(texts, shingle, characters)


def test_long_texts_are_cut_like_short_ones() -> None:
    spaced = " ".join(f"Word{n * n % 977}," for n in range(5_000))
    unspaced = "".join(chr(0x4E00 + n * n % 977) for n in range(5_000))
    same = "again and " * 5_000
    one_word = "ÿ" * 70_000
    assert_cut([spaced, "", unspaced, same, one_word, "short", spaced[:-9] + unspaced[:9]])


def test_every_code_point_is_a_part_of_a_word_or_parts_two() -> None:
    # Of the long runs of one script (Han, Hangul, private use) a few are enough.
    long_runs = [
        *range(0x3400, 0xD800, 61),
        *range(0xE000, 0xF900, 61),
        *range(0x20000, 0x33500, 61),
    ]
    codes = [
        *range(0x3400),
        *range(0xF900, 0x20000),
        *range(0xE0000, 0xE0400),
        0x10FFFF,
        *long_runs,
    ]
    texts = [f"a{chr(code)}b" for code in codes]
    found = low_halves(fingerprint(series(*texts)))
    for text, row in zip(texts, found, strict=True):
        assert row == digests(reference.shingle_set(text)), ascii(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" \n\t", set()),
        ("\xa0\u3000", set()),
        ("Hello", {"hello"}),
        ("Hello, World!", {"hello world"}),
        ("a b c d", {"a b c", "b c d"}),
        ("???", {"???"}),
        (" ?  ! ", {"? !"}),
        ("🙂", {"🙂"}),
        ("🙂 \n🙁", {"🙂 🙁"}),
        ("我喜欢你", {"我喜欢你"}),
        ("我喜欢吃苹果", {"我喜欢吃苹", "喜欢吃苹果"}),
        ("私は リンゴ。", {"私はリンゴ"}),
        ("สวัสดีคะ", {"สวัสด", "วัสดี", "ัสดีค", "สดีคะ"}),
        ("나는 사과를 정말 좋아한다", {"나는 사과를 정말", "사과를 정말 좋아한다"}),
    ],
)
def test_shingles_of(text: str, expected: set[str]) -> None:
    shingles = frozenset(fold(shingle) for shingle in expected)
    assert reference.shingle_set(text) == shingles
    assert low_halves(fingerprint(series(text))) == [digests(shingles)]


def test_mostly_english_with_one_chinese_word_is_cut_into_words() -> None:
    (row,) = low_halves(fingerprint(series("Translate the word 苹果 into English please")))
    assert reference.digest("translate the word") in row
    assert len(row) == 5


def test_more_than_a_third_of_unspaced_characters_cuts_into_characters() -> None:
    # 2 of 6 characters are no more than a third, 2 of 5 are.
    third, more = low_halves(fingerprint(series("苹果 a b cd", "苹果 a b c")))
    assert third == digests(frozenset({"苹果 a b", "a b cd"}))
    assert more == digests(frozenset({"苹果abc"}))


def test_vowel_signs_belong_to_their_word() -> None:
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    first, second = low_halves(fingerprint(series("कि", "की")))
    assert first != second


def test_null_is_the_empty_text() -> None:
    assert low_halves(fingerprint(series(None, "a", None))) == [[], digests(frozenset("a")), []]


@pytest.mark.parametrize("texts", [(), (None,), ("", ""), (None, " ")])
def test_texts_without_a_shingle(texts: tuple[str | None, ...]) -> None:
    found = fingerprint(series(*texts))
    assert found.hashes.size == 0
    assert found.offsets.tolist() == [0] * (len(texts) + 1)


def test_a_part_of_a_series_is_cut_like_a_whole_one() -> None:
    texts = [f"text {n} über {n % 3}" if n % 2 else f"plain text {n}" for n in range(40)]
    whole = pl.concat([series(*texts[:15]), series(*texts[15:])], rechunk=False)
    assert rows_of(fingerprint(whole[7:31])) == rows_of(fingerprint(series(*texts[7:31])))
    assert rows_of(fingerprint(whole)) == rows_of(fingerprint(series(*texts)))


def test_the_texts_stay_as_they_are() -> None:
    texts = series("Ä  B", "plain", "ß")
    fingerprint(texts)
    hash_words(texts)
    assert texts.to_list() == ["Ä  B", "plain", "ß"]


@settings(deadline=None, max_examples=40)
@given(TEXT)
def test_only_white_space_has_no_shingle(text: str) -> None:
    assert bool(low_halves(fingerprint(series(text)))[0]) == bool(text.strip())


@settings(deadline=None, max_examples=50)
@given(TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    once, twice = rows_of(fingerprint(series(text, fold(text))))
    assert fold(text) == reference.fold(text)
    assert once == twice


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXT, max_size=5))
def test_words_of_any_texts_are_those_of_plain_python_in_order(texts: list[str]) -> None:
    found = hash_words(series(*texts))
    flat, ends = found.hashes.tolist(), found.offsets.tolist()
    for row, text in enumerate(texts):
        expected = [reference.digest(token) for token in reference.tokens(text)]
        assert flat[ends[row] : ends[row + 1]] == expected


def test_columns_are_joined_without_the_empty_ones() -> None:
    rows = pl.DataFrame({"a": ["x", "x", None, None], "b": ["y", "", "z", None]})
    assert join_columns(rows, ("a", "b")).to_list() == ["x\ny", "x", "z", ""]
    with pytest.raises(RunError, match="expected columns"):
        join_columns(rows, ("a", "c"))


def test_ids_are_unique_and_there() -> None:
    assert row_ids(pl.DataFrame({"id": ["b", "a"]})) == ["b", "a"]
    with pytest.raises(RunError, match=r"expected unique ids .* got \['a'\] more than once"):
        row_ids(pl.DataFrame({"id": ["a", "b", "a"]}))
    with pytest.raises(RunError, match="null"):
        row_ids(pl.DataFrame({"id": ["a", None]}))
    with pytest.raises(RunError, match="expected a column 'id'"):
        row_ids(pl.DataFrame({"name": ["a"]}))
