import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select.categories import CATEGORIES, categorise

#: instruction, input, output, category
CASES = [
    ("Write a Python function that reverses a string.", "", "It is easy.", "code"),
    ("Create a program to print all odd numbers.", "", "for i in range(9):\n    print(i)", "code"),
    ("Create a program to help kids eat better.", "", "Week 1: vegetables.", "other"),
    ("Explain what this does.", "SELECT name FROM users WHERE age > 3", "Names.", "code"),
    ("Why is the following piece of code wrong?", "x = (1", "A bracket is missing.", "code"),
    ("Schreibe eine Python-Funktion, die zwei Zahlen addiert.", "", "Gern.", "code"),
    ("Erstelle ein Skript in Bash, das Dateien umbenennt.", "", "mv a b", "code"),
    ("Where do pythons live?", "", "In Africa and Asia.", "question_answering"),
    ("Write a code of conduct for a school.", "", "Be kind.", "other"),
    ("What is 12 * (3 + 4)?", "", "84", "maths"),
    ("Find the square root of 156.", "", "12.49", "maths"),
    ("Calculate the total cost.", "3 apples at $2", "$6", "maths"),
    ("Solve the problem.", "Mary had 16 apples. She ate 7. How many are left?", "9", "maths"),
    ("Convert 58 Fahrenheit to Celsius.", "", "14.4", "maths"),
    ("Berechne den Flächeninhalt eines Kreises mit Radius 3 cm.", "", "28,27 cm²", "maths"),
    ("Tom hat 5 Äpfel und isst 2. Wie viele bleiben?", "", "3", "maths"),
    ("How many planets are there?", "", "8", "question_answering"),
    ("Translate the sentence into Spanish.", "This is fun.", "Es divertido.", "translation"),
    ("How do you say hello in French?", "", "Bonjour.", "translation"),
    ("Übersetze den Satz ins Englische.", "Guten Tag.", "Good day.", "translation"),
    ("Convert this number to Arabic numerals.", "XIV", "14", "other"),
    ("Summarize the article in one sentence.", "Long text.", "Short.", "summarisation"),
    ("Fasse den Text in einem Satz zusammen.", "Langer Text.", "Kurz.", "summarisation"),
    ("Classify the review as positive or negative.", "I loved it.", "Positive", "classification"),
    ("Determine whether the statement is true.", "Fish fly.", "No.", "classification"),
    ("Ordne die Tiere nach Säugetier oder Vogel.", "Wal", "Säugetier", "classification"),
    ("Rewrite the sentence in the passive voice.", "He ate it.", "It was eaten.", "rewriting"),
    ("Fix the grammar mistakes in this text.", "He go.", "He goes.", "rewriting"),
    ("Schreibe den folgenden Satz um.", "Er geht.", "Er läuft.", "rewriting"),
    ("Extract all names from the text.", "Ann met Bob.", "Ann, Bob", "extraction"),
    ("Identify the verbs in the following sentence.", "He ran.", "ran", "extraction"),
    ("Finde die Adjektive in dem folgenden Satz.", "Der rote Ball.", "rot", "extraction"),
    ("Write a haiku about rain.", "", "Rain falls.", "creative_writing"),
    ("Given the words, write a short story.", "owl, sea", "Once.", "creative_writing"),
    ("Verfasse ein Gedicht über den Herbst.", "", "Blätter.", "creative_writing"),
    ("Suggest three ways to save water.", "", "Short showers.", "brainstorming"),
    ("Gib mir fünf Ideen für ein Geschenk.", "", "Ein Buch.", "brainstorming"),
    ("Why is the sky blue?", "", "It scatters.", "question_answering"),
    ("Erkläre die Photosynthese.", "", "Pflanzen.", "question_answering"),
    ("Do it.", "", "Done.", "other"),
    ("", "", "", "other"),
    ("请解释光合作用", "", "植物", "other"),
]


def rows_of(cases: list[tuple[str | None, str | None, str | None]]) -> pl.DataFrame:
    names = ["instruction", "input", "output"]
    return pl.DataFrame(cases, schema=dict.fromkeys(names, pl.String), orient="row")


@pytest.mark.parametrize(
    ("instruction", "given_input", "output", "category"), CASES, ids=[case[0] for case in CASES]
)
def test_prompts_of_two_languages_are_told_apart(
    instruction: str, given_input: str, output: str, category: str
) -> None:
    assert categorise(rows_of([(instruction, given_input, output)])).to_list() == [category]


@pytest.mark.parametrize(
    ("instruction", "output", "category"),
    [
        # What is quoted is material.
        ('Rewrite this sentence: "Write a Python function in C++."', "Do it.", "rewriting"),
        ('Write a poem with the words "translate it into French".', "Il.", "creative_writing"),
        # An answer alone makes no category.
        ("Tell me about owls.", "def owl(x):\n    return x", "question_answering"),
        ("Tell me about owls.", "3 + 4 = 7", "question_answering"),
        ("Please, could you summarise the text for me?", "Short.", "summarisation"),
        ("x" * 5_000 + " Write a Python function.", "", "other"),
        ("  - Translate to German:\n\nHello", "Hallo", "translation"),
    ],
)
def test_what_misleads_does_not(instruction: str, output: str, category: str) -> None:
    assert categorise(rows_of([(instruction, "", output)])).to_list() == [category]


def test_no_text_at_all_is_other() -> None:
    assert categorise(rows_of([(None, None, None)])).to_list() == ["other"]
    assert categorise(rows_of([])).to_list() == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5))
def test_every_text_has_one_of_the_categories(cases: list[tuple[str, str, str]]) -> None:
    cases = [tuple(part.encode("utf-8", "ignore").decode() for part in case) for case in cases]
    found = categorise(rows_of(cases))
    assert found.name == "category"
    assert set(found) <= set(CATEGORIES)
    assert found.len() == len(cases)
