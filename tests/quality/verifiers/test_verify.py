"""The table of verdicts, and what no check may do: raise, or count doubt as right."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.verifiers import RUN_KINDS, VERIFIERS, verify

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
PARAMETERS = (
    "expected",
    "min",
    "max",
    "count",
    "words",
    "phrase",
    "code",
    "keys",
    "units",
    "places",
)


@pytest.mark.parametrize(
    ("check", "answer", "verdict"),
    [
        ({"kind": "words", "max": 3}, "One two three.", True),
        ({"kind": "words", "max": 3}, "One two three four.", False),
        ({"kind": "words", "min": 2}, "One.", False),
        ({"kind": "words", "min": 2, "max": 2}, "well-known - owl", True),
        ({"kind": "words"}, "One.", None),
        ({"kind": "words", "max": -1}, "One.", None),
        ({"kind": "words", "max": True}, "One.", None),
        ({"kind": "sentences", "min": 2, "max": 2}, "It rains. I stay.", True),
        ({"kind": "sentences", "min": 2, "max": 2}, "It rains.", False),
        ({"kind": "sentences", "max": 1}, "Rain\nSnow\nWind.", None),
        ({"kind": "paragraphs", "min": 2, "max": 2}, "One.\n\nTwo.", True),
        ({"kind": "paragraphs", "min": 3, "max": 3}, "One.\n\nTwo.", False),
        ({"kind": "bullets", "count": 2}, "- owl\n- wren", True),
        ({"kind": "bullets", "count": 2}, "- owl\n- wren\n- tit", False),
        ({"kind": "bullets", "count": 2}, "* owl\n    * wren\n* tit", True),
        ({"kind": "bullets", "count": 1}, "5 - 3 is two", False),
        ({"kind": "contains", "words": ["cat", "milk"]}, "The cat\ndrinks Milk.", True),
        ({"kind": "contains", "words": ["cat"]}, "Concatenate.", False),
        ({"kind": "contains", "words": ["hot milk"]}, "hot\nmilk", True),
        ({"kind": "contains", "words": ["a.c"]}, "abc", False),
        ({"kind": "contains", "words": []}, "abc", None),
        ({"kind": "contains_not", "words": ["cat"]}, "Concatenate.", True),
        ({"kind": "contains_not", "words": ["cat"]}, "A CAT.", False),
        ({"kind": "lower_case"}, "straße, über.", True),
        ({"kind": "lower_case"}, "Straße", False),
        ({"kind": "upper_case"}, "STRASSE ÜBER.", True),
        ({"kind": "upper_case"}, "RAIN falls", False),
        ({"kind": "upper_case"}, "你好", None),
        ({"kind": "json_keys", "keys": ["a", "b"]}, '{"a": 1, "b": [2]}', True),
        ({"kind": "json_keys", "keys": ["a"]}, '```json\n{"a": 1}\n```', True),
        ({"kind": "json_keys", "keys": ["a"]}, 'Here: {"a": 1}', False),
        ({"kind": "json_keys", "keys": ["a"]}, '{"a": 1, "a": 2}', False),
        ({"kind": "json_keys", "keys": ["a"]}, '{"a": 1, "b": 2}', False),
        ({"kind": "json_keys", "keys": ["a"]}, '[["a", 1]]', False),
        ({"kind": "json_keys", "keys": ["a"]}, "[" * 100_000, False),
        ({"kind": "json_keys", "keys": ["a"]}, '{"a": ' + "9" * 10_000 + "}", True),
        ({"kind": "ends_with", "phrase": "That is all."}, 'Rain. "That is all"', True),
        ({"kind": "ends_with", "phrase": "that is all"}, "That is all. Bye.", False),
        ({"kind": "ends_with", "phrase": "all"}, "It is a ball", False),
        ({"kind": "ends_with", "phrase": " "}, "It is a ball", None),
        ({"kind": "ends_with", "phrase": "..."}, "It is a ball...", False),
        ({"kind": "starts_with", "phrase": "Well,"}, "well, it rains", True),
        ({"kind": "starts_with", "phrase": "We"}, "Well, it rains", False),
        ({"kind": "title"}, "<<Rain>>\nIt falls.", True),
        ({"kind": "title"}, "<< >> <Rain>", False),
        ({"kind": "no_commas"}, "Rain falls.", True),
        ({"kind": "no_commas"}, "雨，雪", False),
        ({"kind": "in_language", "code": "de"}, "Der Hund schläft heute den ganzen Tag.", True),
        ({"kind": "in_language", "code": "en"}, "Der Hund schläft heute den ganzen Tag.", False),
        ({"kind": "in_language", "code": "en"}, "42", None),
        ({"kind": "in_language", "code": "xx"}, "The dog sleeps all day in the warm sun.", None),
        ({"kind": "all", "checks": [{"kind": "title"}, {"kind": "lower_case"}]}, "<<a>> b", True),
        ({"kind": "all", "checks": [{"kind": "title"}, {"kind": "lower_case"}]}, "a b", False),
        ({"kind": "all", "checks": [{"kind": "title"}, {"kind": "nonsense"}]}, "<<a>>", None),
        ({"kind": "all", "checks": [{"kind": "title"}, {"kind": "nonsense"}]}, "a", False),
        ({"kind": "all", "checks": []}, "a", None),
        ({"kind": "all", "checks": [{"kind": "all", "checks": [{"kind": "title"}]}]}, "<<", None),
        ({"kind": "nonsense"}, "a", None),
        ({"kind": ["title"]}, "a", None),
        ({}, "a", None),
    ],
)  # fmt: skip
def test_verdicts(check: dict[str, Any], answer: str, verdict: bool | None) -> None:
    assert verify(check, answer) is verdict


@pytest.mark.parametrize("kind", list(VERIFIERS))
def test_an_empty_answer_passes_nothing(kind: str) -> None:
    check = {"kind": kind, "max": 9, "words": ["cat"], "phrase": "x", "keys": ["a"], "code": "en"}
    assert verify({**check, "expected": "0", "count": 0}, " \n\t") is False


@pytest.mark.parametrize("kind", sorted(RUN_KINDS))
def test_what_has_to_be_run_abstains(kind: str) -> None:
    assert verify({"kind": kind, "function": "f", "cases": []}, "def f(): pass") is None


@pytest.mark.parametrize("check", [None, "title", ["title"], 7])
def test_what_is_no_check_abstains(check: Any) -> None:
    assert verify(check, "<<Rain>>") is None


@given(
    st.sampled_from(["all", "checks", *VERIFIERS]),
    st.dictionaries(st.sampled_from([*PARAMETERS, "checks", "language"]), JSON, max_size=4),
    st.text(max_size=60),
)
@settings(max_examples=300, deadline=None)
def test_no_check_and_no_answer_raises(kind: str, rest: dict[str, Any], answer: str) -> None:
    assert verify({**rest, "kind": kind}, answer) in (True, False, None)
