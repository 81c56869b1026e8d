from typing import Any

import pytest

from flows.select.check import check_select
from schemas.errors import InputError
from schemas.recipe import SelectOptions


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quotas": "keep"},
        {"quotas": {"code": 0.1, "maths": 0.2, "other": 0.7}},
        {"quotas": {"my file.jsonl": 0.5}, "per": "source"},
        {"quotas": {"bread, flour": 0.5}, "per": "topic"},
    ],
)
def test_sound_wishes_pass(options: dict[str, Any]) -> None:
    check_select(SelectOptions.model_validate(options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per": "colour"}, "select.per: expected one of category, topic, source, got 'colour'"),
        ({"quotas": {"math": 0.5}}, "select.quotas: expected 'maths', got 'math'"),
        ({"quotas": {"xyz": 0.5}}, "select.quotas: expected one of code, translation, maths,"),
        (
            {"quotas": {"code": 0.6, "maths": 0.6}},
            "select.quotas: expected shares of 1 together at most, got 1.2",
        ),
    ],
)
def test_a_contradiction_is_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_select(SelectOptions.model_validate(options))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"unit": "tokens"}, "expected `quotas` beside `unit` or `when_short`, got none"),
        ({"when_short": "shrink"}, "expected `quotas` beside `unit` or `when_short`, got none"),
        (
            {"unit": "tokens", "quotas": "keep", "max_rows": 3},
            "expected max_tokens for quotas of tokens, got max_rows",
        ),
        (
            {"when_short": "repeat", "quotas": "keep", "max_tokens": 3},
            "expected max_rows for quotas of rows, got max_tokens",
        ),
    ],
)
def test_a_mix_says_what_it_is_a_mix_of(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_select(SelectOptions.model_validate(options))
