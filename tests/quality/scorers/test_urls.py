from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.urls import urls

MakeRows = Callable[..., pl.DataFrame]
LINK = "https://www.nytimes.com/2020/06/21/climate.html"


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("Summarize this article.", LINK, "It is about climate.", 1.0),
        ("Rate the trailer.", "www.youtube.com/watch?v=1", "4 stars", 1.0),
        (f"Read {LINK} and give your opinion.", "", "It is good.", 1.0),
        ("Lies den Artikel und fasse ihn zusammen.", LINK, "Es geht um das Klima.", 1.0),
        ("Name a blog.", "", f"Try {LINK}", 0.5),
        ("Extract the domain of the URL.", LINK, "nytimes.com", 0.0),
        ("Write a Python function that downloads a page.", LINK, "import requests", 0.0),
        ("Summarize this page.", "https://example.com", "A page.", 0.0),
        ("Write an HTML link.", "", f'<a href="{LINK}">x</a>', 0.0),
        ("Say hi.", "", "Hi. See https://www.example.com/a.", 0.0),
        ("Negate it.", "It is good.", "It is bad.", 0.0),
        ("", "", "", 0.0),
    ],
)
def test_urls(make_rows: MakeRows, instruction: str, given: str, output: str, score: float) -> None:
    assert urls(make_rows([output], instruction, given)).to_list() == [score]
