from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.asked_length import Size, asked_length, count_units, find_size

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("task", "size"),
    [
        ("Explain rain in one sentence.", Size("sentence", 1, 1)),
        ("Explain it in 2 to 3 sentences.", Size("sentence", 2, 3)),
        ("Summarize it in 3-4 sentences.", Size("sentence", 3, 4)),
        ("Write a 200-word essay about rain.", Size("word", 160, 240)),
        ("Write a short three sentence story.", Size("sentence", 3, 3)),
        ("Summarize it in less than 50 words.", Size("word", 0, 49)),
        ("Summarize it in 50 words or less.", Size("word", 0, 50)),
        ("Use no more than 100 words.", Size("word", 0, 100)),
        ("Write at least 3 paragraphs.", Size("paragraph", 3, None)),
        ("Write more than 20 words.", Size("word", 21, None)),
        ("Describe it in about 30 words.", Size("word", 24, 36)),
        ("Write a haiku about snow.", Size("line", 3, 3)),
        ("Write four sentences about owls.", Size("sentence", 4, 4)),
        ("Erkläre es in zwei Sätzen.", Size("sentence", 2, 2)),
        ("Fasse es in höchstens 50 Wörtern zusammen.", Size("word", 0, 50)),
        ("Schreibe einen Text mit mindestens 100 Wörtern.", Size("word", 100, None)),
        ("Write two sentences, each in 20 words.", None),
        ("Combine these two sentences.", None),
        ("Generate five words that rhyme with cat.", None),
        ("Create a plan for editing a 1000-word essay.", None),
        ("Count the words in one sentence.", None),
        ("Write at least 20 words and at most 3 sentences.", None),
        ("Name a bird.", None),
        ("", None),
    ],
)
def test_find_size(task: str, size: Size | None) -> None:
    assert find_size(task) == size


@pytest.mark.parametrize(
    ("text", "unit", "counts"),
    [
        ("One two three.", "word", (3, 3)),
        ("Dr. Smith left. He ran!", "sentence", (2, 2)),
        ("It costs 3.50 today.", "sentence", (1, 1)),
        ("1. One.\n2. Two.", "sentence", (2, 2)),
        ("no mark at the end", "sentence", (1, 1)),
        ("a / b / c", "line", (0, 3)),
        ("a\nb\n\nc", "line", (3, 3)),
        ("a\n\nb", "paragraph", (2, 2)),
        ("a\nb\n\nc", "paragraph", (2, 3)),
        ("。", "sentence", (1, 1)),
    ],
)
def test_count_units(text: str, unit: str, counts: tuple[int, int]) -> None:
    assert count_units(text, unit)[1] == counts[1]
    assert count_units(text, unit)[0] in (counts[0], 1)


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ("Explain rain in one sentence.", "Water falls.", 0.0),
        ("Explain rain in one sentence.", "It rains. Water falls.", 1.0),
        ("Explain rain in four sentences.", "It rains. Water falls.", 0.5),
        ("Write at least 10 words.", "Only four words here", 0.6),
        ("Write at most 2 words.", "Only four words here", 1.0),
        ("Write a haiku.", "old pond / frog leaps in / water's sound", 0.0),
        ("Write a haiku.", "An old pond.\nA frog.", pytest.approx(1 / 3)),
        ("Explain rain in one sentence.", "", None),
        ("Explain rain.", "Water falls.", None),
    ],
)
def test_asked_length(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_length(make_rows([output], instruction)).to_list() == [score]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 80))
def test_the_miss_is_zero_only_within_bounds(asked: int, words: int) -> None:
    rows = pl.DataFrame(
        {"instruction": [f"Use at most {asked} words."], "output": ["x" + " word" * words]}
    )
    miss = asked_length(rows)[0]
    assert (miss == 0) is (words + 1 <= asked)
    assert 0 <= miss <= 1


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["word", "sentence", "line", "paragraph"]))
def test_counts_are_ordered(text: str, unit: str) -> None:
    fewest, most = count_units(text, unit)
    assert 0 <= fewest <= most
