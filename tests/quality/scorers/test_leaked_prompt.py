from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.leaked_prompt import leaked_prompt

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("Blue.<|im_end|>", 1.0),
        ("[INST] Name a colour [/INST] Blue", 1.0),
        ("Blue</s>", 1.0),
        ("<start_of_turn>model\nBlue", 1.0),
        ("### Response:\nBlue", 1.0),
        ("Blue\n\n### Instruction:\nName a bird.", 1.0),
        ("Below is an instruction that describes a task. Blue", 1.0),
        ("### Antwort:\nBlau", 1.0),
        ("Blue<|eot|>", 1.0),
        ("<|start|>assistant<|channel|>final<|message|>Blue", 1.0),
        ("<|reserved_special_token_0|>Blue", 1.0),
        ("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Blue", 1.0),
        ("<think>\nThe user asks for a colour.\n</think>Blue", 1.0),
        ("Blue [TOOL_CALLS] [1]", 1.0),
        ("<human>: hi\n<bot>: Blue", 1.0),
        ("### Human: what?\n### Assistant: Blue", 1.0),
        ("You are a helpful assistant. Blue", 1.0),
        ("System: You are a helpful assistant.\nBlue", 1.0),
        ("<extra_id_0> Blue", 1.0),
        ("Output: Blue", 0.5),
        ("Response: Blue", 0.5),
        ("Antwort: Blau", 0.5),
        ("Blue", 0.0),
        ("# Heading\n### Response time\nIt is low.", 0.0),
        ("The response: he smiled.", 0.0),
        ("HTML shows <s>red</s> blue", 0.0),
        ("row[INST]", 0.0),
        ("a <| b |> c", 0.0),
        ("The assistant: a study", 0.0),
        ("a < b and <b>bold</b> | c", 0.0),
        ("", 0.0),
    ],
)
def test_leaked_prompt(make_rows: MakeRows, output: str, score: float) -> None:
    assert leaked_prompt(make_rows([output], "Pick a colour.")).to_list() == [score]


@pytest.mark.parametrize(
    "instruction",
    ["Explain the special token <|im_end|>.", "Show a Llama chat template.", "Write a riddle."],
)
def test_it_abstains_where_such_text_was_asked_for(make_rows: MakeRows, instruction: str) -> None:
    rows = make_rows(["Answer: [INST] and </s>", "plain"], instruction)
    assert leaked_prompt(rows).to_list() == [None, 0.0]


def test_a_header_in_the_instruction_leaks_too(make_rows: MakeRows) -> None:
    assert leaked_prompt(make_rows(["A"], "Say A.\n### Response:")).to_list() == [1.0]
