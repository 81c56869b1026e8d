from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers import add_scores
from quality.scorers.craft import craft
from quality.scorers.escape_leftovers import escape_leftovers
from quality.scorers.quality import quality
from quality.scorers.unclosed_code import unclosed_code

MakeRows = Callable[..., pl.DataFrame]
ANSWER = "Rain falls because warm air rises, cools and can no longer hold its water."


@pytest.mark.parametrize(
    "output",
    [
        "",
        "N/A",
        "<nooutput>",
        "I'm sorry, but I cannot help with that.",
        f"{ANSWER}<|im_end|>",
        f"{ANSWER}\n\n6. Instruction: Name a bird.",
        f"{ANSWER} Your key is ghp_a8Kq2LmN7pRs4TuV9wXy3ZbC6dEf1GhJ5kMn",
    ],
)
def test_damage_pulls_quality_near_zero(make_rows: MakeRows, output: str) -> None:
    assert quality(make_rows([output], "Why does it rain?"))[0] < 0.11


@pytest.mark.parametrize("output", ["Negative", "42", "No.", "Ja", "Paris", "x"])
def test_short_answers_are_not_damage(make_rows: MakeRows, output: str) -> None:
    assert quality(make_rows([output], "Is the mood good?"))[0] >= 0.5


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (ANSWER, "Because of the air."),
        (ANSWER, "rain falls because warm air rises, cools and"),
        (f"Two reasons:\n\n1. {ANSWER}\n2. {ANSWER[::2]}.", f"{ANSWER} {ANSWER[::2]}."),
        (ANSWER, "rain " * 40),
        (ANSWER, "Regen fällt, weil warme Luft aufsteigt, abkühlt und das Wasser nicht mehr hält."),
        (ANSWER, ANSWER.replace(" and", "\\u2019 and")),
        (ANSWER, f"```\n{ANSWER}"),
    ],
)
def test_the_better_answer_wins(make_rows: MakeRows, better: str, worse: str) -> None:
    rows = make_rows([better, worse], "Explain in your own words why the rain falls.")
    high, low = quality(rows).to_list()
    assert high > low


def test_quality_is_null_only_where_nothing_is_said(make_rows: MakeRows) -> None:
    rows = make_rows(["", " ", None], "", "")
    assert quality(rows).to_list() == [None, None, None]
    assert quality(make_rows([None], "Say A.")).to_list() == [0.0]


def test_quality_uses_scores_that_are_there(make_rows: MakeRows) -> None:
    rows = make_rows(["Blue."])
    assert quality(rows.with_columns(refusal=pl.lit(1.0)))[0] == pytest.approx(
        0.1 * quality(rows)[0]
    )
    assert add_scores(rows)["quality"][0] == quality(rows)[0]


def test_craft_grows_with_different_words_up_to_its_cap(make_rows: MakeRows) -> None:
    texts = [" ".join(["A", *(f"w{n}" for n in range(count))]) for count in (1, 5, 50, 199, 900)]
    scores = craft(make_rows([f"{text}." for text in texts])).to_list()
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0.05 + 0.6 * 0.2072, abs=1e-3)
    assert scores[3] == scores[4] == pytest.approx(0.65)


def test_saying_it_again_gains_nothing(make_rows: MakeRows) -> None:
    line = "Warm air rises and cools."
    once, twice = craft(make_rows([line, f"{line} {line}"])).to_list()
    assert once == twice


def test_paragraphs_count_up_to_four_breaks(make_rows: MakeRows) -> None:
    rows = make_rows(["A b.", "A b.\n\nA b.", "A b." + "\n\nA b." * 4, "A b." + "\n\nA b." * 9])
    one, two, five, ten = craft(rows).to_list()
    assert two - one == pytest.approx(0.05 + 0.1)  # a break, and a first line that ends well
    assert five - two == pytest.approx(0.15)
    assert ten == five


@pytest.mark.parametrize(
    ("instruction", "right", "wrong"),
    [
        ("What is 12 * 7?", "84", "82"),
        ("Sort alphabetically: pear, fig, apple", "apple, fig, pear", "pear, fig, apple"),
        ("List two birds as JSON.", '["owl", "wren"]', '["owl", "wren"'),
        ("Answer in all caps: which city is it?", "PARIS", "Paris"),
        ("Explain rain in one sentence.", "Water falls down.", "Water falls. It is down."),
        ('Write a line without using the word "rain".', "Water falls.", "Rain falls."),
    ],
)
def test_what_was_asked_for_wins(
    make_rows: MakeRows, instruction: str, right: str, wrong: str
) -> None:
    high, low = quality(make_rows([right, wrong], instruction)).to_list()
    assert high > 1.2 * low


def test_an_honest_refusal_is_not_punished_twice(make_rows: MakeRows) -> None:
    refused = "I'm sorry, but I cannot help with that, as I am a language model."
    doable = quality(make_rows([refused, "Owl."], "Name a bird.")).to_list()
    undoable = quality(make_rows([refused, "Here it is."], "Draw a bird.")).to_list()
    assert doable[0] < 0.2 * doable[1]
    assert undoable[0] >= undoable[1]


def test_a_disclaimer_before_an_answer_costs_little(make_rows: MakeRows) -> None:
    answer = f"{ANSWER} " + " ".join(f"word{n}" for n in range(60))
    rows = make_rows([f"As an AI, I do not get wet. {answer}", answer], "Why does it rain?")
    disclaimed, plain = quality(rows).to_list()
    assert 0.8 * plain < disclaimed < plain


def test_padding_gains_nothing(make_rows: MakeRows) -> None:
    padded = f"{ANSWER} I hope this helps! Let me know if you have any further questions."
    plain, more = quality(make_rows([ANSWER, padded], "Why does it rain?")).to_list()
    assert more < plain


@pytest.mark.parametrize(
    ("output", "found"),
    [("Hi.\\nHo.", 1.0), ("It\\u2019s", 1.0), ('Say \\"no\\"', 1.0), ("A &amp; B", 1.0),
     ("Itâ€™s", 1.0), ("Ã¼ber", 1.0), ("a\x07b", 1.0), ("Hi.\nHo.", 0.0), ("C:\\new", 0.0),
     ("&", 0.0),
     ("a\tb", 0.0), ("Füße – naïve “quotes” 你好 😊", 0.0), ("", 0.0),
     ("```c\nputs(\"a\\n\");\n```", None)],
)  # fmt: skip
def test_escape_leftovers(make_rows: MakeRows, output: str, found: float | None) -> None:
    assert escape_leftovers(make_rows([output])).to_list() == [found]


@pytest.mark.parametrize(
    ("output", "found"),
    [("```\nx\n```", 0.0), ("```\nx", 1.0), ("Use ``` to quote.", 0.0), ("", 0.0), ("`x`", 0.0),
     ("1. ```py\n   x\n   ```\n2. ```py\n   y", 1.0), ("- ```\n  x\n  ```", 0.0)],
)  # fmt: skip
def test_unclosed_code(make_rows: MakeRows, output: str, found: float) -> None:
    assert unclosed_code(make_rows([output])).to_list() == [found]
