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


def test_craft_grows_with_words_up_to_its_cap(make_rows: MakeRows) -> None:
    scores = craft(make_rows([f"A{' word' * n}." for n in (0, 5, 50, 399, 900)])).to_list()
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(0.1 + 0.55 * 0.1156, abs=1e-3)
    assert scores[3] == scores[4] == pytest.approx(0.65)


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
