from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.merged_instructions import merged_instructions

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    "output",
    [
        "A wren.\n\n6. Instruction: Add 1 and 2.\n6. Input:\n<noinput>\n6. Output:\n3",
        "A wren.\n##\n18. Instruction: Name a tree.",
        "A wren.\n\n### Instruction:\nName a tree.",
        "A wren.\n\nInstruction: Name a tree.",
        "Ein Zaunkönig.\n\n7. Aufgabe: Nenne einen Baum.",
        "A wren.\n\n##",
    ],
)
def test_a_second_task_is_found(make_rows: MakeRows, output: str) -> None:
    assert merged_instructions(make_rows([output], "Name a bird.")).to_list() == [1.0]


@pytest.mark.parametrize(
    "output",
    [
        "1. Wren\n2. Owl", "Follow the instruction: turn left.", "## Birds\nWren",
        "#1 is the wren.",
        "1. Generate ideas.\n2. Write them down.", "Input: none, output: none", "",
        "C# is a language.",
        "1. Aufgaben verteilen\n2. Feiern", "Question: What sings?\nAnswer: A wren.",
    ],
)  # fmt: skip
def test_lists_and_headings_are_left_alone(make_rows: MakeRows, output: str) -> None:
    assert merged_instructions(make_rows([output], "Name a bird.")).to_list() == [0.0]


def test_it_abstains_where_tasks_were_asked_for(make_rows: MakeRows) -> None:
    rows = make_rows(["Here:\n1. Instruction: Sing.\n2. Instruction: Fly."], "Write two tasks.")
    assert merged_instructions(rows).to_list() == [None]


def test_the_instruction_is_searched(make_rows: MakeRows) -> None:
    rows = make_rows(["3"], "Name a bird.\n7. Instruction: Add 1 and 2.")
    assert merged_instructions(rows).to_list() == [1.0]
