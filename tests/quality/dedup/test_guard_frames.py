"""Guard features as frames: stable numbers without text, and vetoes over many pairs at once."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup import guard_features as module
from quality.dedup.guard_tokens import MARK, cut_tokens, hash_strings
from quality.dedup.guards import (
    GUARD_FEATURES,
    GUARDS,
    find_vetoes,
    guard_features,
    guard_keys,
    vetoing_guard,
)
from quality.dedup.shingles import fold, words
from schemas.errors import RunError

TEXTS = [
    "Name three colours",
    "Is 'it' an invalid C++ call to read_csv()?",
    "",
    "Übersetze „Hund“ ins Englische: 5 km + 3 km, don't wait",
    "中文 हिन्दी ١٢ \U0001f600",
    "Give examples\n<no input>",
]

GOLDEN = [
    {
        "folded": 15786204320742286432,
        "key": 16781039048362906298,
        "numbers": 1347242288,
        "negations": 1,
        "languages": 3615890912,
        "code": 1693082049,
        "units": 2047496201,
        "tokens": [
            3210559815,
            4015444991,
            567670536,
            4015444991,
            1978695758,
            3775084352,
            4100259670,
            2566787492,
            4266357459,
            1149822359,
            859606125,
            859606125,
            428534821,
            1913894671,
        ],
        "prefixed": [17610481188787421746],
        "quotes": [567670536, 0],
    }
]


def features(*texts: str | None) -> pl.DataFrame:
    return guard_features(pl.Series(texts, dtype=pl.String))


def test_features_have_the_schema_and_no_text() -> None:
    frame = features(*TEXTS)
    assert frame.schema == pl.Schema(GUARD_FEATURES)
    assert frame.height == len(TEXTS)
    assert frame.null_count().sum_horizontal().item() == 0
    assert features().schema == pl.Schema(GUARD_FEATURES)


def test_features_are_the_same_numbers_everywhere() -> None:
    """Published versions carry them: a change here parts new batches from old versions."""
    frame = features("Is 'it' not an invalid 5 km C++ call?")
    assert frame.to_dicts() == GOLDEN


def test_null_is_an_empty_text() -> None:
    assert features(None).equals(features(""))


def test_a_text_gives_its_features_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    together = features(*TEXTS)
    monkeypatch.setattr(module, "_BATCH_BYTES", 20)
    assert features(*TEXTS).equals(together)
    assert pl.concat([features(text) for text in TEXTS]).equals(together)


def test_keys_are_the_column_of_the_features() -> None:
    assert guard_keys(pl.Series(TEXTS)).equals(features(*TEXTS)["key"])


def test_vetoes_come_line_by_line_in_the_order_of_the_guards() -> None:
    pairs = [
        ("Add 3 and 5", "Add 3 and 6"),
        ("Name three colours", "Name 3 colours"),
        ("Do not add 3", "Add 4"),
        ("A valid email", "An invalid email"),
        ("getName", "GETNAME"),
    ]
    left, right = (features(*texts) for texts in zip(*pairs, strict=True))
    expected = ["numbers", None, "numbers", "negation", None]
    assert find_vetoes(left, right).to_list() == expected
    assert find_vetoes(right, left).to_list() == expected
    assert [vetoing_guard(*pair) for pair in pairs] == expected
    assert find_vetoes(left[:0], right[:0]).to_list() == []
    assert next(iter(GUARDS)) == "numbers"


def test_frames_of_unequal_height_are_refused() -> None:
    with pytest.raises(RunError, match="one height"):
        find_vetoes(features("a"), features("a", "b"))


@pytest.mark.parametrize(
    ("left", "right", "guard"),
    [
        ('Define "free will"', "Define free  will", None),
        ('Define "free will."', "Define free will", None),
        ('Define "art"', "Define party", "quotes"),
        ('Define "free will"', "Define will free", "quotes"),
        ('Join "a" and "b c"', "Join b c and a", None),
        ('Correct "we was was"\nwe was', "Correct it\nwe was", "quotes"),
        ('Name the mark "?!"', "Name the mark", None),
        ('Name the mark "§"', "Name the mark", "quotes"),
    ],
)
def test_a_quote_is_looked_for_as_whole_words_in_a_row(
    left: str, right: str, guard: str | None
) -> None:
    assert vetoing_guard(left, right) == guard
    assert vetoing_guard(right, left) == guard


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_tokens_are_the_words_and_marks_of_each_text(texts: list[str]) -> None:
    tokens = cut_tokens(texts)
    is_word = tokens.kinds[tokens.starts] != MARK
    for row, text in enumerate(texts):
        expected = hash_strings(words(text)).tolist()
        assert tokens.hashes[is_word & (tokens.rows == row)].tolist() == expected
        spans = zip(tokens.starts[tokens.rows == row], tokens.ends[tokens.rows == row], strict=True)
        seen = "".join(tokens.data[start:end].decode() for start, end in spans)
        assert seen == "".join(fold(text).split())


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_equal_folded_texts_and_no_others_have_equal_hashes(left: str, right: str) -> None:
    folded = features(left, f" {left} ", right)["folded"]
    assert folded[0] == folded[1]
    if module.drop_placeholders(pl.Series([left, right])).to_list() == [left, right]:
        assert (folded[0] == folded[2]) == (fold(left) == fold(right))
