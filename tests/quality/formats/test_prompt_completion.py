from typing import Any

import pytest

from quality.formats import FORMATS, FormatError, parse_record


@pytest.mark.parametrize("prompt", ["prompt", "question", "query"])
@pytest.mark.parametrize("completion", ["completion", "response", "answer", "output", "chosen"])
def test_spellings(prompt: str, completion: str) -> None:
    parsed = parse_record({prompt: "6 x 7?", completion: 42})
    assert (parsed.instruction, parsed.input, parsed.output) == ("6 x 7?", "", "42")


def test_system_prompt_of_open_orca() -> None:
    parsed = parse_record({"system_prompt": "Think.", "question": "6 x 7?", "response": "42"})
    assert parsed.system == "Think."
    assert [turn["role"] for turn in parsed.messages] == ["system", "user", "assistant"]


def test_conversational_variant_of_trl() -> None:
    prompt = [{"role": "user", "content": "Hi"}]
    answer = [{"role": "assistant", "content": "Hello"}]
    expected = parse_record({"prompt": "Hi", "completion": "Hello"})
    assert parse_record({"prompt": prompt, "completion": answer}) == expected
    assert parse_record({"prompt": prompt, "completion": "Hello"}) == expected


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"prompt": "Hi"}, "missing_output"),
        ({"prompt": "Hi", "completion": None}, "missing_output"),
        ({"prompt": [{"role": "user", "content": "Hi"}]}, "missing_output"),
        ({"prompt": " ", "completion": "Hello"}, "empty_instruction"),
        ({"prompt": {"text": "Hi"}, "completion": "Hello"}, "not_text"),
        ({"prompt": ["Hi"], "completion": "Hello"}, "not_text"),
        ({"prompt": "Hi", "chosen": [{"role": "user", "content": "Hi"}]}, "not_text"),
        ({"prompt": None, "completion": "Hello"}, "unknown_format"),
    ],
)
def test_unusable_records(record: dict[str, Any], rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_record(record)
    assert caught.value.rule == rule
    assert "\n" not in caught.value.detail


def test_forced_on_another_form() -> None:
    with pytest.raises(FormatError) as caught:
        FORMATS["prompt_completion"].parse({"instruction": "a", "output": "b"})
    assert caught.value.rule == "missing_instruction"
