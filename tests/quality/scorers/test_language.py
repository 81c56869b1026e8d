from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.language import language
from quality.scorers.language_match import language_match

MakeRows = Callable[..., pl.DataFrame]
ENGLISH = "The weather is nice today and we are going to the beach with our friends."
GERMAN = "Das Wetter ist heute schön und wir gehen mit unseren Freunden an den Strand."


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("Il fait beau aujourd'hui et nous allons à la plage avec nos amis.", "fr"),
        ("今天天气很好，我们和朋友一起去海边。", "zh"),
        ("Negative", None),
        ("42", None),
        ("", None),
        (None, None),
        ("def f(x):\n    return x + 1\n\nprint(f(41))\nprint(f(42))", None),
        ("```\n" + ENGLISH + "\n```", None),
    ],
)
def test_language(make_rows: MakeRows, output: str | None, code: str | None) -> None:
    assert language(make_rows([output])).to_list() == [code]


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("Explain in two sentences why the sky is blue.", "", GERMAN, 0.0),
        ("Erkläre in zwei Sätzen, warum der Himmel blau ist.", "", ENGLISH, 0.0),
        ("Erkläre in zwei Sätzen, warum der Himmel blau ist.", "", GERMAN, 1.0),
        ("Explain in two sentences why the sky is blue.", "", ENGLISH, 1.0),
        ("Translate this sentence for our guests, please.", ENGLISH, GERMAN, None),
        ("Say this politely in German to your neighbour.", "", GERMAN, None),
        ("Übersetze den folgenden Satz bitte ins Englische.", GERMAN, ENGLISH, None),
        ("Correct the grammar of this statement, please.", GERMAN, GERMAN, None),
        ("Explain in two sentences why the sky is blue.", "", "Ja.", None),
        ("List the largest cities of the given country.", "", "Oslo, Bergen, Trondheim, "
         "Stavanger, Drammen, Fredrikstad, Tromsø, Sandefjord", None),
        ("Name some of the dishes that are popular in Mexico.", "", "Popular Mexican dishes "
         "include tacos, the enchiladas and tamales, chapulines, carnitas, barbacoa", None),
    ],
)  # fmt: skip
def test_language_match(
    make_rows: MakeRows, instruction: str, given: str, output: str, score: float | None
) -> None:
    assert language_match(make_rows([output], instruction, given)).to_list() == [score]
