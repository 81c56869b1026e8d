from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.asked_format import asked_format, is_csv, is_json, is_table, is_xml

MakeRows = Callable[..., pl.DataFrame]
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ("List two birds as JSON.", '["owl", "wren"]', 1.0),
        ("List two birds as JSON.", 'Here you are:\n```json\n{"a": 1}\n```\nDone.', 1.0),
        ("List two birds as JSON.", 'Sure: {"birds": ["owl"]}', 1.0),
        ("List two birds as JSON.", '{"birds": ["owl",}', 0.0),
        ("List two birds as JSON.", "owl, wren", 0.0),
        ("Create a JSON object for a user.", "{'name': 'Ann'}", 0.0),
        ("Gib die Liste als JSON aus.", "[1, 2]", 1.0),
        ("Return the result in XML format.", "<a><b/>x</a>", 1.0),
        ("Return the result in XML format.", "<a><b>x</a>", 0.0),
        ("Give the data in CSV format.", "a,b\n1,2\n3,4", 1.0),
        ("Give the data in CSV format.", "The data are good.", 0.0),
        ("Write it as YAML.", "name: Ann\nage: 3", 1.0),
        ("Create a table of two birds.", TABLE, 1.0),
        ("Present it in a table.", "Name\tSize\nOwl\tbig", 1.0),
        ("Present it in a table.", "Owls are big and wrens are small.", 0.0),
        ("Stelle es als Tabelle dar.", TABLE, 1.0),
        ("Write a Python function that adds.", "def add(a, b):\n    return a + b", 1.0),
        ("Write a Python function that adds.", "It adds two numbers.", 0.0),
        ("Write an SQL query for all birds.", "SELECT * FROM birds", 1.0),
        ("Schreibe ein Python-Programm.", "Es tut etwas.", 0.0),
        ("Explain what JSON is.", "A format.", None),
        ("Write a Python function that parses JSON into XML.", "def f(): pass", 1.0),
        ("Name the elements of the periodic table.", "Iron", None),
        ("Set the table for dinner.", "Done.", None),
        ("Name a bird.", "Owl", None),
        ("List two birds as JSON.", "", None),
        ("Describe the dining table.", "It is wooden.", None),
    ],
)
def test_asked_format(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_format(make_rows([output], instruction)).to_list() == [score]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "9" * 10_000, "{", "}", "}{", "", '"a"', "nan"]
)
def test_hostile_json_is_no_json(text: str) -> None:
    assert is_json(text) is False


def test_long_numbers_are_json() -> None:
    assert is_json("[" + "9" * 10_000 + "]")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a/>", True), ("<?xml version='1.0'?><!DOCTYPE a><a x='1'>y</a>", True),
        ("<a></b>", False), ("</a>", False), ("<a>", False), ("1 < 2 > 0", False), ("", False),
        ("<a><!-- <b> --></a>", True), ("<a><![CDATA[<b>]]></a>", True), ("<a>" * 50_000, False),
    ],
)  # fmt: skip
def test_xml_must_nest(text: str, found: bool) -> None:
    assert is_xml(text) is found


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_or_is_not_of_a_format(text: str) -> None:
    for test in (is_json, is_xml, is_csv, is_table):
        assert test(text) in (True, False)
