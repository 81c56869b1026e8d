import polars as pl
import pytest

from quality.filters.engine import apply_filters
from schemas.errors import InputError
from tests.support.rows import make_row, make_rows


def test_any_turn_counts_and_the_evidence_names_phrase_and_place() -> None:
    rows = make_rows(
        [
            make_row("Who are you?", "I am ChatGPT, and ChatGPT is all that I am."),
            make_row("Is OpenAI open?", "No idea."),
            make_row("Why?", "So. The openaire index."),
        ]
    )
    found = apply_filters(rows, [{"rule": "blocked_phrases", "value": ["openai", "chatgpt"]}])
    assert found.kept["instruction"].to_list() == ["Why?"]
    lines = found.decisions.select("rule", "value", "threshold", "evidence").rows()
    assert lines == [
        (
            "blocked_phrases",
            2.0,
            0.0,
            "ChatGPT: Who are you? I am ChatGPT, and ChatGPT is all that I am",
        ),
        ("blocked_phrases", 1.0, 0.0, "OpenAI: Is OpenAI open? No idea."),
    ]


def test_a_column_may_be_named() -> None:
    rows = make_rows([make_row("Is OpenAI open?", "No.")])
    rule = {"rule": "blocked_phrases", "column": "output", "value": ["openai"]}
    assert apply_filters(rows, [rule]).kept.height == 1


@pytest.mark.parametrize("value", [[], [" "], "openai"])
def test_phrases_must_say_something(value: object) -> None:
    rule = {"rule": "blocked_phrases", "value": value}
    with pytest.raises(InputError, match=r"filters\[0\].value"):
        apply_filters(pl.DataFrame(make_rows([])), [rule])
