"""Options of tasks in the words of many people."""

from typing import Literal, get_args

from pydantic import Field

from schemas.recipe.generators.answers import TargetOptions

TaskKind = Literal["question", "how_to", "maths", "opinion", "writing", "planning", "explain"]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)


class PersonaOptions(TargetOptions):
    """Tasks as people of all kinds would ask them, one person a task."""

    kind: Literal["persona"]
    personas: str = Field(
        "builtin",
        description="`builtin`, or a file with a person a line (text), or a record (JSONL, CSV)",
    )
    column: str | None = Field(
        None, description="field that describes the person; null: persona, description or text"
    )
    tasks: tuple[TaskKind, ...] = Field(
        TASK_KINDS, min_length=1, description="kinds of tasks to ask for"
    )
    show_persona: bool = Field(
        False, description="put the person into the task; else only `about` names them"
    )
