from typing import Any

import pytest

from quality.formats import FORMATS, FormatError, parse_record

HUMAN = {"from": "human", "value": "Hi"}
GPT = {"from": "gpt", "value": "Hello"}


@pytest.mark.parametrize("key", ["conversations", "conversation", "items"])
@pytest.mark.parametrize("user", ["human", "user", "prompter", "Human"])
@pytest.mark.parametrize("assistant", ["gpt", "assistant", "chatgpt", "bot"])
@pytest.mark.parametrize("content", ["value", "text", "content"])
def test_spellings(key: str, user: str, assistant: str, content: str) -> None:
    turns = [{"from": user, content: "Hi"}, {"from": assistant, content: "Hello"}]
    assert list(parse_record({"id": 1, key: turns}).messages) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]


def test_many_turns() -> None:
    system = {"from": "system", "value": "Be brief."}
    again = [{"from": "human", "value": "Bye"}, {"from": "gpt", "value": "See you"}]
    parsed = parse_record({"conversations": [system, HUMAN, GPT, *again]})
    assert parsed.system == "Be brief."
    assert (parsed.instruction, parsed.input) == ("Hi", "")
    assert parsed.output == "Hello\n\nSee you"
    assert len(parsed.messages) == 5


def test_system_beside_the_turns_and_empty_system_turns() -> None:
    beside = parse_record({"system": "Be brief.", "conversations": [HUMAN, GPT]})
    inside = parse_record({"conversations": [{"from": "system", "value": "Be brief."}, HUMAN, GPT]})
    assert beside == inside
    empty = parse_record({"conversations": [{"from": "system", "value": " "}, HUMAN, GPT]})
    assert empty == parse_record({"conversations": [HUMAN, GPT]})


def test_conversation_that_the_assistant_opens() -> None:
    parsed = parse_record({"conversations": [GPT, HUMAN, GPT]})
    assert parsed.instruction == "Hi"
    assert parsed.output == "Hello\n\nHello"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"conversations": []}, "no_user_turn"),
        ({"conversations": [GPT]}, "no_user_turn"),
        ({"conversations": [HUMAN]}, "missing_output"),
        ({"conversations": [{"from": "human", "value": " "}, GPT]}, "empty_instruction"),
        ({"conversations": [HUMAN, {"from": "gpt"}]}, "missing_output"),
        ({"conversations": [{"from": "human", "value": None}, GPT]}, "missing_text"),
        ({"conversations": [HUMAN, {"from": "tool", "value": "x"}, GPT]}, "unknown_role"),
        ({"conversations": [{"value": "x"}, GPT]}, "unknown_role"),
        ({"conversations": [{"from": 3, "value": "x"}, GPT]}, "unknown_role"),
        ({"conversations": ["Hi", "Hello"]}, "not_text"),
        ({"conversations": "Hi"}, "not_text"),
        ({"conversations": {"from": "human"}}, "not_text"),
        ({"conversations": [HUMAN, {"from": "gpt", "value": {"a": 1}}]}, "not_text"),
        ({"items": ["milk", "bread"]}, "unknown_format"),
        ({"items": 3}, "unknown_format"),
    ],
)
def test_unusable_records(record: dict[str, Any], rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_record(record)
    assert caught.value.rule == rule
    assert "\n" not in caught.value.detail


def test_forced_on_another_form() -> None:
    with pytest.raises(FormatError) as caught:
        FORMATS["sharegpt"].parse({"prompt": "a", "completion": "b"})
    assert caught.value.rule == "missing_instruction"
