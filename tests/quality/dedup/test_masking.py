"""Masking: what fills the slots counts, the template does not, and other texts stay whole."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.masking import Masked, mask_templates

TRANSLATE = "Translate into {language}: {text}"
SUM_UP = "Sum up: {text}"


def masked(texts: list[str], *templates: str) -> Masked:
    return mask_templates(pl.Series(texts, dtype=pl.String), templates)


def test_only_the_slots_are_left() -> None:
    found = masked(["Translate into Thai: a b", "  Sum up: c\nd \n", "e"], TRANSLATE, SUM_UP)
    assert found.texts.to_list() == ["Thai\na b", "c\nd", "e"]
    first, second, none = found.salts.tolist()
    assert first != second
    assert none == 0
    assert 0 not in (first, second)


def test_the_salt_is_the_templates_own_whatever_the_others_are() -> None:
    alone = masked(["Sum up: a"], SUM_UP).salts.tolist()
    assert masked(["b", "Sum up: a"], TRANSLATE, SUM_UP).salts.tolist()[1:] == alone


def test_the_first_template_that_fits_is_taken_and_none_after_it() -> None:
    found = masked(["Sum up: Sum up: a"], SUM_UP, "Sum {rest}")
    assert found.texts.to_list() == ["Sum up: a"]
    assert found.salts.tolist() == masked(["Sum up: x"], SUM_UP).salts.tolist()
    assert masked(["Sum up: a"], "Sum {rest}", SUM_UP).texts.to_list() == ["up: a"]


@pytest.mark.parametrize(
    "text",
    ["sum up: a", "Sum up a", "Please Sum up: a", "Sum up:", "Sum up: ", "Sum up:  \n ", "", "a"],
)
def test_what_does_not_fit_or_fills_no_slot_stays_whole(text: str) -> None:
    found = masked([text], SUM_UP)
    assert found.texts.to_list() == [text]
    assert found.salts.tolist() == [0]


def test_one_filled_slot_is_enough() -> None:
    found = masked(["Translate into : a"], TRANSLATE)
    assert found.texts.to_list() == ["\na"]
    assert found.salts.tolist() != [0]


def test_a_template_without_a_slot_masks_nothing() -> None:
    found = masked(["Say hi", "Say  hi"], "Say hi")
    assert found.texts.to_list() == ["Say hi", "Say  hi"]
    assert found.salts.tolist() == [0, 0]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="{}")), min_size=2, max_size=4
    ),
    st.text(max_size=10),
)
def test_every_mark_of_a_template_stands_for_itself(parts: list[str], word: str) -> None:
    parts[0], parts[-1] = "<" + parts[0], parts[-1] + ">"
    fillings = [f"{word}{number}" for number in range(len(parts) - 1)]
    text = "".join(a + b for a, b in zip(parts, [*fillings, ""], strict=True))
    found = masked([text, "$1 ${1} \\1"], "{slot}".join(parts))
    assert found.salts.tolist()[0] != 0
    assert found.salts.tolist()[1] == 0
    assert found.texts.to_list()[1] == "$1 ${1} \\1"
    cut = found.texts.to_list()[0].split("\n")
    if len(parts) == 2:
        assert "\n".join(cut) == fillings[0]


def test_what_fills_a_slot_is_no_pattern() -> None:
    found = masked(["Sum up: $1 ${1} \\1 {text}"], SUM_UP)
    assert found.texts.to_list() == ["$1 ${1} \\1 {text}"]


def test_no_templates_or_no_rows_change_nothing() -> None:
    assert masked(["a"]).texts.to_list() == ["a"]
    assert masked([], SUM_UP).texts.to_list() == []
    assert masked([], SUM_UP).salts.shape == (0,)
