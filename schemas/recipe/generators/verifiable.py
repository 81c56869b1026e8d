"""Options of tasks whose answers can be verified."""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.recipe.generators.answers import TargetOptions

Family = Literal["arithmetic", "format", "python"]


class VerifiableOptions(TargetOptions):
    """Tasks made by code whose answers are verified: sums, constraints of form, programs."""

    kind: Literal["verifiable"]
    families: tuple[Family, ...] = Field(
        ("arithmetic", "format", "python"), min_length=1, description="python: Linux only"
    )
    max_constraints: int = Field(2, ge=1, le=3, description="of form, in one task")
    run_seconds: int = Field(3, ge=1, le=60, description="processor time of a program")
    run_memory_mb: int = Field(512, ge=128, description="address space of a program, in MiB")
    program_max_tokens: PositiveInt = Field(
        300, description="least limit of an answer that is a program, in tokens"
    )
