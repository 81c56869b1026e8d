"""What counts as holding a question whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.decontaminate.sentences import Place, find_sentences, plain_sentences


@pytest.mark.parametrize(
    ("text", "wanted", "place"),
    [
        ("Who is Larry Page?", "who is larry page", "WHOLE"),
        ("**Who** is Larry Page?", "Who is Larry Page?", "WHOLE"),
        ("> Who is Larry Page?", "Who is Larry Page?", "WHOLE"),
        ("Who  is\nLarry Page", "Who is Larry Page?", "WHOLE"),
        ("Tell me. Who is Larry Page? Be brief.", "Who is Larry Page?", "INSIDE"),
        ("1. Who is Larry Page?\n2. Who am I?", "Who is Larry Page?", "INSIDE"),
        ('She asked: "Who is Larry Page?"', "Who is Larry Page?", "INSIDE"),
        ("It is 5. Why? Say so.", "It is 5. Why?", "INSIDE"),
        ("你好。今天天气怎么样？", "今天天气怎么样", "INSIDE"),
        ("Do you know who is Larry Page?", "Who is Larry Page?", "NOWHERE"),
        ("Who is Larry Page's wife?", "Who is Larry Page?", "NOWHERE"),
        ("Who is Larry?", "Who is Larry Page?", "NOWHERE"),
        ("What is 5 - 3?", "What is 5 + 3?", "NOWHERE"),
        ("What is 5 × 3?", "What is 5 3?", "NOWHERE"),
        ("", "Who?", "NOWHERE"),
        ("Who?", "?!", "NOWHERE"),
        ("", "", "NOWHERE"),
    ],
)
def test_sentences(text: str, wanted: str, place: str) -> None:
    assert find_sentences(text, wanted) is Place[place]


@given(st.text(max_size=60))
def test_a_text_is_itself(text: str) -> None:
    expected = Place.WHOLE if plain_sentences(text) else Place.NOWHERE
    assert find_sentences(text, text) is expected
