import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.noise import strip_counter, strip_labels


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("1 / 1Sure.", "Sure."),
        ("2 / 3\nSure.", "Sure."),
        ("2 / 2\n\nÜbrigens ja.", "Übrigens ja."),
        ('1 / 1<div class="markdown">', '<div class="markdown">'),
    ],
)
def test_counters_go(text: str, bare: str) -> None:
    assert strip_counter(text) == bare


@pytest.mark.parametrize(
    "text",
    ["", "1 / 2", "3 / 4 of them", "1 / 2x + 1", "3 / 2Sure", "0 / 2Sure", "1/2\nSure", "A 1 / 1B"],
)
def test_fractions_stay(text: str) -> None:
    assert strip_counter(text) == text


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Yes.\nRegenerate response", "Yes."),
        ("Yes.\n\nWas this response better or worse?BetterWorseSame\n", "Yes."),
        ("Share Prompt\nYes.", "Yes."),
        ("Yes.Copy4 chars / 1 words", "Yes."),
        ("Yes.\nCopy 4 chars / 1 words\nNo.", "Yes.\nNo."),
        ("Yes.\nCopy code\nNo.", "Yes.\nNo."),
        ("Yes.\nThis content may violate our content policy. Tell us if not.", "Yes."),
    ],
)
def test_labels_go(text: str, bare: str) -> None:
    assert strip_labels(text) == bare


@pytest.mark.parametrize(
    "text",
    [
        "To regenerate response bodies, call it again.",
        "```\nCopy code\nCopy4 chars / 1 words\n```",
        "Does this content violate our content policy?",
    ],
)
def test_sentences_and_code_stay(text: str) -> None:
    assert strip_labels(text) == text


@given(st.text())
def test_cutting_twice_cuts_nothing_more(text: str) -> None:
    once = strip_labels(text)
    assert strip_labels(once) == once
