"""What of a row a judge is shown, turn by turn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from quality.text import normalise_text

TASK: Final = "TASK"
INPUT: Final = "INPUT"
ANSWER: Final = "ANSWER"
REFERENCE: Final = "REFERENCE ANSWER"
_SYSTEM: Final = "SYSTEM TURN"
_COLUMNS: Final = ("id", "system", "instruction", "input", "output", "messages")

#: A task as references name it: instruction and input, normalised.
Task = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Material:
    """One thing to judge.

    Attributes:
        id: of the row, or a name that no row has.
        sections: name and text of each part, in order; the answers among them.
        has_reference: whether one of them is a reference answer.
    """

    id: str
    sections: tuple[tuple[str, str], ...]
    has_reference: bool = False

    @property
    def texts(self) -> list[str]:
        """The texts alone."""
        return [text for _, text in self.sections]


def materials(rows: pl.DataFrame, references: Mapping[Task, str]) -> list[Material]:
    """Return what is shown of each row.

    Args:
        rows: columns id, system, instruction, input, output and messages of ROWS.
        references: right answers by task.

    Returns:
        In the order of the rows. A row with one answer shows task, input and answer; a longer
        conversation all its turns, numbered.
    """
    return [_material(row, references) for row in rows.select(_COLUMNS).iter_rows(named=True)]


def task_of(instruction: str | None, given: str | None) -> Task:
    """Return the task of a row as references name it."""
    return normalise_text(instruction or ""), normalise_text(given or "")


def pair_material(
    name: str, task: Task, answers: Sequence[str], *, reference: str | None = None
) -> Material:
    """Return what is shown of two answers to one task.

    Args:
        name: of the pair.
        task: instruction and input.
        answers: the two, in the order in which they are shown.
        reference: a right answer, null where there is none.
    """
    sections = [*_task(*task), *_numbered(ANSWER, answers), *_reference(reference)]
    return Material(name, tuple(sections), reference is not None)


def _material(row: Mapping[str, Any], references: Mapping[Task, str]) -> Material:
    reference = references.get(task_of(row["instruction"], row["input"]))
    system = row["system"] or ""
    sections = [(_SYSTEM, system)] if system else []
    turns = [turn for turn in row["messages"] or () if turn["role"] != "system"]
    if sum(turn["role"] == "assistant" for turn in turns) > 1:
        sections += _conversation(turns)
    else:
        sections += _task(row["instruction"] or "", row["input"] or "")
        sections.append((ANSWER, row["output"] or ""))
    return Material(row["id"], (*sections, *_reference(reference)), reference is not None)


def _task(instruction: str, given: str) -> list[tuple[str, str]]:
    return [(TASK, instruction), (INPUT, given)] if given else [(TASK, instruction)]


def _conversation(turns: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    counts = {TASK: 0, ANSWER: 0}
    found = []
    for turn in turns:
        name = ANSWER if turn["role"] == "assistant" else TASK
        counts[name] += 1
        found.append((f"{name} {counts[name]}", turn["content"]))
    return found


def _numbered(name: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{name} {place}", text) for place, text in enumerate(texts, start=1)]


def _reference(reference: str | None) -> list[tuple[str, str]]:
    return [] if reference is None else [(REFERENCE, reference)]
