"""Options of Evol-Instruct."""

from typing import Literal, get_args

from pydantic import Field

from schemas.recipe.generators.answers import TargetOptions

Operator = Literal[
    "add_constraints",
    "deepen",
    "concretise",
    "increase_reasoning",
    "complicate_input",
    "in_breadth",
]
OPERATORS: tuple[Operator, ...] = get_args(Operator)


class EvolInstructOptions(TargetOptions):
    """Evol-Instruct: rewrite tasks into harder or different ones, and drop what went wrong."""

    kind: Literal["evol_instruct"]
    seeds: str = Field("builtin", description="`builtin` or a JSONL file of seed tasks")
    categories: tuple[str, ...] | None = Field(
        None, description="seed categories to start from; null: those of the profile"
    )
    over: str | None = Field(
        None, description="start from the rows of this source or generator instead, by its name"
    )
    operators: tuple[Operator, ...] = Field(
        OPERATORS, min_length=1, description="what a step may do to a task"
    )
    rounds: int = Field(
        1, ge=1, le=10, description="steps of a job; each evolves what the one before left"
    )
    ask_gain: bool | None = Field(
        None,
        description="ask the teacher whether a step changed anything; null: unless it is small",
    )
