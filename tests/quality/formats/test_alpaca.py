from typing import Any

import pytest

from quality.formats import FORMATS, FormatError, parse_record


@pytest.mark.parametrize(
    ("record", "instruction", "context", "output"),
    [
        ({"instruction": "Add", "input": "1 2", "output": "3"}, "Add", "1 2", "3"),
        ({"instruction": "Add", "output": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "input": None, "output": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "input": float("nan"), "output": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "input": "<noinput>", "output": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "response": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "answer": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "completion": "3"}, "Add", "", "3"),
        ({"instruction": "Add", "output": None, "response": "3"}, "Add", "", "3"),
        (
            {"instruction": "Add", "context": "1 2", "response": "3", "category": "qa"},
            "Add", "1 2", "3",
        ),
        ({"instruction": 42, "input": 1.5, "output": True}, "42", "1.5", "true"),
        ({"instruction": "Add", "input": "", "output": ""}, "Add", "", ""),
        ({"instruction": "", "input": "1 + 2?", "output": "3"}, "1 + 2?", "", "3"),
        ({"instruction": " Add\r\n", "input": "\ufeff1", "output": "3\x00"}, "Add", "1", "3"),
    ],
)  # fmt: skip
def test_variants(record: dict[str, Any], instruction: str, context: str, output: str) -> None:
    parsed = parse_record(record)
    assert (parsed.instruction, parsed.input, parsed.output) == (instruction, context, output)
    question = f"{instruction}\n\n{context}" if context else instruction
    assert list(parsed.messages) == [
        {"role": "user", "content": question},
        {"role": "assistant", "content": output},
    ]


def test_system_and_history_of_llama_factory() -> None:
    record = {
        "instruction": "And 3?", "input": "", "output": "9", "system": "Square.",
        "history": [["2?", "4"], ["1?", "1"]],
    }  # fmt: skip
    parsed = parse_record(record)
    assert parsed.system == "Square."
    assert parsed.instruction == "2?"
    assert parsed.output == "4\n\n1\n\n9"
    assert [turn["role"] for turn in parsed.messages] == ["system"] + ["user", "assistant"] * 3


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"instruction": "Add", "input": "1"}, "missing_output"),
        ({"instruction": "Add", "output": None}, "missing_output"),
        ({"instruction": "", "input": " ", "output": "3"}, "empty_instruction"),
        ({"instruction": ["Add"], "output": "3"}, "not_text"),
        ({"instruction": "Add", "input": {"a": 1}, "output": "3"}, "not_text"),
        ({"instruction": "Add", "output": ["3"]}, "not_text"),
        ({"instruction": "Add", "output": float("inf")}, "not_text"),
        ({"instruction": b"Add", "output": "3"}, "not_text"),
        ({"instruction": "Add", "output": "3", "history": "no"}, "not_text"),
        ({"instruction": "Add", "output": "3", "history": [["a"]]}, "not_text"),
        ({"instruction": None, "input": "1", "output": "3"}, "unknown_format"),
    ],
)
def test_unusable_records(record: dict[str, Any], rule: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_record(record)
    assert caught.value.rule == rule
    assert "\n" not in caught.value.detail


def test_forced_on_another_form() -> None:
    with pytest.raises(FormatError) as caught:
        FORMATS["alpaca"].parse({"prompt": "a", "completion": "b"})
    assert caught.value.rule == "missing_instruction"
