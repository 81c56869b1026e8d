from typing import Any

import pytest

from quality.formats import FORMATS, FormatError, parse_record

USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}


def test_conversation() -> None:
    parsed = parse_record(
        {"messages": [{"role": "developer", "content": "Be brief."}, USER, ASSISTANT]}
    )
    assert parsed.system == "Be brief."
    assert parsed.instruction == "Hi"
    assert parsed.output == "Hello"
    assert [turn["role"] for turn in parsed.messages] == ["system", "user", "assistant"]


def test_content_parts() -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}, "you"]
    parsed = parse_record({"messages": [{"role": "user", "content": parts}, ASSISTANT]})
    assert parsed.instruction == "Hi\nthere\nyou"


def test_empty_answer_is_for_a_filter_to_judge() -> None:
    parsed = parse_record({"messages": [USER, {"role": "assistant", "content": ""}]})
    assert parsed.output == ""


def test_messages_come_before_other_fields_but_null_is_absent() -> None:
    record = {"instruction": "Add", "output": "3", "messages": [USER, ASSISTANT]}
    assert parse_record(record).instruction == "Hi"
    assert parse_record({**record, "messages": None}).instruction == "Add"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"messages": []}, "no_user_turn"),
        ({"messages": [ASSISTANT]}, "no_user_turn"),
        ({"messages": [USER]}, "missing_output"),
        (
            {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": []}]},
            "missing_output",
        ),
        ({"messages": [USER, {"role": "tool", "content": "x"}, ASSISTANT]}, "unknown_role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT]},
            "not_text",
        ),
        ({"messages": [{"role": "user", "content": [3]}, ASSISTANT]}, "not_text"),
        ({"messages": [USER, None]}, "not_text"),
        ({"messages": "Hi"}, "not_text"),
        ({"text": "Hi"}, "unknown_format"),
        ({}, "unknown_format"),
        ([], "not_an_object"),
        ("Hi", "not_an_object"),
        (None, "not_an_object"),
        (3, "not_an_object"),
    ],
)
def test_unusable_records(record: Any, rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_record(record)
    assert caught.value.rule == rule
    assert "\n" not in caught.value.detail


@pytest.mark.parametrize("form", ["messages", "openai"])
def test_forced_on_another_form(form: str) -> None:
    with pytest.raises(FormatError) as caught:
        FORMATS[form].parse({"prompt": "a", "completion": "b"})
    assert caught.value.rule == "missing_instruction"
