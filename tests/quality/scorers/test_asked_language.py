from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.asked_language import asked_language

MakeRows = Callable[..., pl.DataFrame]
ENGLISH = "The weather is nice today and we are going to the beach with our friends."
GERMAN = "Das Wetter ist heute schön und wir gehen mit unseren Freunden an den Strand."
FRENCH = "Il fait beau aujourd'hui et nous allons à la plage avec nos amis."


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ("Translate the sentence to German.", GERMAN, 1.0),
        ("Translate the sentence to German.", ENGLISH, 0.0),
        ("Translate from German into French: Guten Tag.", FRENCH, 1.0),
        ("Translate from German into French: Guten Tag.", GERMAN, 0.0),
        ("Übersetze den Satz ins Englische.", ENGLISH, 1.0),
        ("Übersetze den Satz ins Englische.", GERMAN, 0.0),
        ("Answer in French.", ENGLISH, 0.0),
        ("Describe the day. Please answer in German.", GERMAN, 1.0),
        ("Antworte auf Deutsch.", ENGLISH, 0.0),
        ("Schreibe ein Gedicht auf Englisch", ENGLISH, 1.0),
        ("Translate to German.", "Guten Tag.", None),
        ("Translate to German.", f'{ENGLISH} It says "Guten Tag".', None),
        ("How do you say hello in French?", ENGLISH, None),
        ("What is the word for dog in German?", ENGLISH, None),
        ("Describe the difference between French and German.", ENGLISH, None),
        ("Describe a walk in English gardens.", ENGLISH, None),
        ("Name a bird.", ENGLISH, None),
        ("Translate to German.", "", None),
        ("Translate to German and then into French.", FRENCH, None),
    ],
)
def test_asked_language(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_language(make_rows([output], instruction)).to_list() == [score]
