from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.missing_input import missing_input
from quality.scorers.needs_tools import needs_tools
from quality.scorers.unshown_calculation import unshown_calculation

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    "instruction",
    [
        "Draw a cat.", "Design a logo for a bakery.", "Create a poster about water.",
        "Describe the picture.", "Search the web for news about bees.", "What time is it?",
        "Set an alarm for 8 am.", "Compose a melody that sounds sad.", "Train a neural network.",
        "Transcribe the following recording.", "Predict the weather for tomorrow.",
        "Search the web and find the title of the longest novel.",
        "Search the web and explain how bees dance.", "Design a UI for a shop.",
        "Design a birthday card.", "Represent the data in a bar chart.",
        "Generate a sound effect for rain.", "Zeichne einen Hund.",
        "Entwirf ein Logo für eine Bäckerei.",
        "Suche im Internet nach einem Artikel.", "Wie ist das Wetter morgen?",
    ],
)  # fmt: skip
def test_tasks_beyond_text_are_found(make_rows: MakeRows, instruction: str) -> None:
    assert needs_tools(make_rows(["x"], instruction)).to_list() == [1.0]


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a poem about a painting.", "Explain what a logo is.", "Name a film to watch.",
        "Write Python code that draws a chart.", "Create an HTML page with an image.",
        "Create a tag line for a comic book series.", "Write a character sketch of a pirate.",
        'Classify the sentence: "Set an alarm for 5 am."',
        "What is the internet?", "Beschreibe, wie ein Foto entsteht.",
        "Recommend songs to listen to.",
        "How do I book a hotel?", "Describe a sunset.", "Explain the big picture.",
    ],
)  # fmt: skip
def test_tasks_about_pictures_and_the_web_are_kept(make_rows: MakeRows, instruction: str) -> None:
    assert needs_tools(make_rows(["x"], instruction)).to_list() == [0.0]


@pytest.mark.parametrize(
    "instruction",
    [
        "Find the nearest restaurant.", "Suggest a restaurant nearby.", "Update the spreadsheet.",
        "Summarize the latest study about bees.", "Who is the current president of Peru?",
        "Find the best hotel in Rome.", "Find the price of this phone.",
        "Predict the price of gold for next year.", "Run the program.",
        "Finde die aktuellen Zahlen.",
    ],
)  # fmt: skip
def test_tasks_of_this_place_and_day_may_need_tools(make_rows: MakeRows, instruction: str) -> None:
    assert needs_tools(make_rows(["x"], instruction)).to_list() == [0.5]


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a story about the nearest star.", "Write a poem about the latest news.",
        "Write a Python function that finds the nearest restaurant.", "Predict the next word.",
        "Explain how a forecast is made.", "Edit the sentence.", "Print the word owl.",
        "What is an electric current?", "Imagine the best restaurant in Rome.",
    ],
)  # fmt: skip
def test_fiction_code_and_plain_words_need_none(make_rows: MakeRows, instruction: str) -> None:
    assert needs_tools(make_rows(["x"], instruction)).to_list() == [0.0]


@pytest.mark.parametrize(
    ("instruction", "given", "score"),
    [
        ("Summarize the following article.", "", 1.0),
        ("Summarize the following article.", "N/A", 1.0),
        ("Summarize the following article.", "The article is about bees.", 1.0),
        ("Summarize this article.", "[Link to article]", 1.0),
        ("Rate the following product.", "", 1.0),
        ("Find a title for this article.", "The article is about the dances of wild bees.", 0.0),
        ("Solve this equation 14 + 35", "", 0.0),
        ("Name the population of the following city - Dallas.", "", 0.0),
        ("Write a poem given the keyword 'joy'.", "", 0.0),
        ("Fasse den folgenden Text zusammen.", "", 1.0),
        ("Summarize the following article.", "Bees fly far. They dance at home.", 0.0),
        ("Summarize the following article: Bees fly far.", "", 0.0),
        ('Rewrite the following sentence. "He go home."', "", 0.0),
        ("Sort the following numbers.", "[3, 1, 2]", 0.0),
        ("Rephrase the given sentence.", "The book was amazing.", 0.0),
        ("Write a function that sorts the given list.", "", 0.0),
        ("How can one tell whether a given email is spam?", "", 0.0),
        ("Summarize the story of Cinderella.", "", 0.0),
        ("Name a bird.", "", 0.0),
        ("Fasse den folgenden Text zusammen.", "Bienen fliegen weit.", 0.0),
    ],
)
def test_missing_input(make_rows: MakeRows, instruction: str, given: str, score: float) -> None:
    assert missing_input(make_rows(["x"], instruction, given)).to_list() == [score]


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("Calculate the sum.", "5, 10, 20", "35", 1.0),
        ("Berechne die Summe.", "5, 10", "15", 1.0),
        ("Calculate the sum.", "5, 10, 20", "5 + 10 + 20 = 35", 0.5 * (1 - 6 / 40)),
        ("Translate.", "1 dog, 2 cats", "Hunde", 0.4),
        ("Calculate 5.", "", "x", 0.5),
        ("Name a bird.", "", "Owl", 0.0),
        ("Count the vowels of the word.", "owl", "one", 1.0),
        ("Spell it with Roman numerals.", "", "XLII", 1.0),
        ("Calculate the sum.", "5, 10, 20", "word " * 60, 0.0),
        ("Calculate the sum in code.", "5, 10", "def f():\n    return 15", 0.0),
    ],
)
def test_unshown_calculation(
    make_rows: MakeRows, instruction: str, given: str, output: str, score: float
) -> None:
    found = unshown_calculation(make_rows([output], instruction, given)).to_list()
    assert found == pytest.approx([score])
