from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from quality.filters import DEFAULT_FILTERS, FILTERS
from quality.filters.check import Check
from quality.filters.engine import apply_filters
from quality.scorers import SCORERS

MakeRows = Callable[..., pl.DataFrame]
ENGLISH = "The weather is nice today and we are going to the beach with our friends."
GERMAN = "Das Wetter ist heute schön und wir gehen mit unseren Freunden an den Strand."
LINK = "https://www.nytimes.com/2020/06/21/climate"


@pytest.mark.parametrize(
    ("rule", "instruction", "given", "output", "evidence"),
    [
        ("empty_output", "Say A.", "", " \n\u200b", "output is empty"),
        ("empty_output", "Say A.", "", None, "output is empty"),
        ("empty_instruction", " ", "", "A", "instruction is empty"),
        ("min_words", "Say A.", "", "", ""),
        ("max_words", "Say A.", "", "a " * 2049, ("a " * 2049)[:200]),
        ("max_repetition", "Sing.", "", "la " * 60, "98 % of 4-grams repeat"),
        ("refusal", "Sing.", "", "I'm sorry, but I cannot help.", "I'm sorry, but I cannot help"),
        ("placeholder_output", "Draw a cat.", "", "<nooutput>", "<nooutput>"),
        ("answer_equals_input", "Fix it.", "teh cat", "teh cat", "teh cat"),
        ("unfinished", "Why?", "", "Because of the wind and", "Because of the wind and"),
        ("unclosed_code", "Code.", "", "Here:\n```py\nx", "```py\nx"),
        ("merged_instructions", "Why?", "", "So.\n6. Instruction: Go", "6. Instruction:"),
        ("leaked_prompt", "Why?", "", "So.<|im_end|>", "<|im_end|>"),
        ("language", "Why?", "", GERMAN, f"de: {GERMAN[:60]}"),
        ("language_match", "Tell me what you are going to do today.", "", GERMAN, GERMAN[:80]),
        ("unreadable_urls", "Summarize this.", LINK, "It is warm.", LINK),
        ("needs_tools", "Draw a cat.", "", "A cat.", "Draw"),
        ("missing_input", "Edit the following text.", "", "Edited.", "input is empty"),
        ("asked_count", "Name three birds.", "", "1. Owl\n2. Wren", "asked for 3, got 2"),
        ("wrong_arithmetic", "Add.", "2, 2", "2 + 2 = 5", "2 + 2 = 5"),
        ("wrong_result", "What is 12 * 7?", "", "82", "expected 84"),
        ("wrong_result", "Find the mean of the numbers.", "1, 2", "2", "expected 1.5"),
        ("wrong_order", "Sort alphabetically.", "c, a, b", "a, c, b", "expected a, b, c"),
        ("asked_format", "Name a bird as JSON.", "", "Owl", "asked for json, got none"),
        ("asked_language", "Answer in French.", "", ENGLISH, f"asked for fr: {ENGLISH[:60]}"),
        ("asked_length", "Explain it in one sentence.", "", "So. It is. Yes.",
         "asked for 1 sentence, got 3"),
        ("asked_length", "Write at least 10 words.", "", "So.",
         "asked for at least 10 words, got 1"),
        ("asked_case", "Answer in all caps.", "", "Paris", "Paris"),
        ("asked_phrases", 'Write a line without the word "rain".', "", "Rain.",
         "0 % of demands met"),
        ("max_padding", "Name a bird.", "", "Owl. I hope this helps you",
         ". I hope this helps you"),
        ("min_quality", "Why?", "", "N/A", None),
        ("min_score", "Why?", "", "N/A", None),
    ],
)  # fmt: skip
def test_a_rule_drops_and_shows_why(
    make_rows: MakeRows,
    rule: str,
    instruction: str,
    given: str,
    output: str | None,
    evidence: str | None,
) -> None:
    result = apply_filters(make_rows([output], instruction, given), [{"rule": rule}])
    assert result.decisions.select("rule", "action", "evidence").rows() == [
        (rule, "drop", evidence)
    ]


@pytest.mark.parametrize(
    "output", ["Negative", "42", "No", "Ja", "x", "€", "Paris", "0.5", "好", "B"]
)
@pytest.mark.parametrize("instruction", ["Is it good?", "Klassifiziere die Stimmung.", "Pick one."])
def test_the_default_filters_keep_one_word_answers(
    make_rows: MakeRows, instruction: str, output: str
) -> None:
    result = apply_filters(make_rows([output], instruction, "A or B"), DEFAULT_FILTERS)
    assert result.kept.height == 1


@pytest.mark.parametrize(
    ("instruction", "given", "output"),
    [
        ("Correct the sentence.", "He go home.", "He goes home."),
        ("Add punctuation.", "hello there", "Hello there."),
        ("Write Python code that adds two numbers.", "", "def add(a, b):\n    return a + b"),
        ("Name three colours.", "", "1. Red\n2. Blue\n3. Green"),
        ("Translate to German.", ENGLISH, GERMAN),
        ("Write a headline.", "Rain in Rome", "Rome Drenched by Record Rain"),
        ("Compute 6 times 7.", "", "6 x 7 = 42"),
        ("Nenne einen Vogel.", "", "Zaunkönig"),
        ("What is 12 * 7?", "", "Eighty-four"),
        ("Return two birds as JSON.", "", '```json\n["owl", "wren"]\n```'),
        ("Sort alphabetically.", "c, a, b", "a, b, c"),
        ("How do you say good morning in French?", "", "Good morning is bonjour in French."),
        ("Write a haiku.", "", "old pond, frog leaps in, water's sound"),
        ("Explain how a picture is taken.", "", "Light falls on a plate."),
        ("Which of these are prime: 4, 6, 8?", "", "None"),
        ("Write a letter of apology.", "", "Dear Ann,\nI'm sorry I could not come.\n\nYours, Tom"),
    ],
)
def test_the_default_filters_keep_good_rows(
    make_rows: MakeRows, instruction: str, given: str, output: str
) -> None:
    assert apply_filters(make_rows([output], instruction, given), DEFAULT_FILTERS).kept.height == 1


@pytest.mark.parametrize(
    ("value", "actions"), [(["en"], ["drop"]), (["de"], []), (["en", "de"], []), (["fr"], ["drop"])]
)
def test_language_takes_codes(make_rows: MakeRows, value: list[str], actions: list[str]) -> None:
    result = apply_filters(make_rows([GERMAN]), [{"rule": "language", "value": value}])
    assert result.decisions["action"].to_list() == actions


def test_language_abstains_on_short_answers(make_rows: MakeRows) -> None:
    result = apply_filters(make_rows(["Ja"]), [{"rule": "language", "value": ["en"]}])
    assert result.kept.height == 1
    assert result.decisions["action"].to_list() == ["abstain"]


@pytest.mark.parametrize(
    "rule",
    [
        "asked_count",
        "max_repetition",
        "wrong_arithmetic",
        "wrong_result",
        "wrong_order",
        "asked_format",
        "asked_language",
        "asked_length",
        "asked_case",
        "asked_phrases",
        "max_padding",
    ],
)
def test_rules_that_do_not_apply_keep_in_silence(make_rows: MakeRows, rule: str) -> None:
    result = apply_filters(make_rows(["Blue."]), [{"rule": rule}], on_abstain="drop")
    assert (result.kept.height, result.decisions.height) == (1, 0)


@pytest.mark.parametrize(
    ("column", "value", "kept"), [("output", 2, ["1"]), ("instruction", 2, ["0", "1"])]
)
def test_word_bounds_read_any_text_column(
    make_rows: MakeRows, column: str, value: int, kept: list[str]
) -> None:
    filters = [{"rule": "min_words", "column": column, "value": value}]
    assert apply_filters(make_rows(["one", "one two"]), filters).kept["id"].to_list() == kept


@pytest.mark.parametrize("name", list(FILTERS))
def test_every_filter_builds_a_check(name: str) -> None:
    check = FILTERS[name]()
    assert isinstance(check, Check)
    assert set(check.scorers) <= set(SCORERS)


@pytest.mark.parametrize("entry", DEFAULT_FILTERS)
def test_default_filters_spell_out_their_defaults(entry: dict[str, Any]) -> None:
    spelled = FILTERS[entry["rule"]](
        **{key: value for key, value in entry.items() if key != "rule"}
    )
    assert spelled.threshold == FILTERS[entry["rule"]]().threshold


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("id", ["1"], ["0", "2"]),
        ("id", ["0", "2", "other"], ["1"]),
        ("output", ["two"], ["0", "2"]),
        ("instruction", ["two"], ["0", "1", "2"]),
    ],
)
def test_not_in_drops_the_named_rows_and_no_other(
    make_rows: MakeRows, column: str, value: list[str], kept: list[str]
) -> None:
    filters = [{"rule": "not_in", "column": column, "value": value}]
    result = apply_filters(make_rows(["one", "two", "three"]), filters, on_abstain="drop")
    assert result.kept["id"].to_list() == kept
    assert set(result.decisions["rule"]) <= {"not_in"}


def test_not_in_keeps_a_row_without_a_text_there(make_rows: MakeRows) -> None:
    rows = make_rows(["one"]).with_columns(source=pl.lit(None, dtype=pl.String))
    filters = [{"rule": "not_in", "column": "source", "value": ["bad"]}]
    assert apply_filters(rows, filters, on_abstain="drop").kept.height == 1
