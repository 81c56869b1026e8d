"""What generators over given prompts or rows share."""

from typing import Self

from pydantic import Field, model_validator

from schemas.recipe.generators.answers import AnswerOptions


class GivenOptions(AnswerOptions):
    """Prompts of a file, or the rows of the sources and generators before this one."""

    prompts: str | None = Field(
        None, description="JSONL: {instruction, input} or {prompt} a line; null: rows before this"
    )
    license: str | None = Field(None, description="licence of the prompts")
    rows: tuple[str, ...] = Field(
        (), description="names of the sources and generators before this one; empty: all"
    )

    @model_validator(mode="after")
    def _takes_one_of_them(self) -> Self:
        if self.prompts is not None and self.rows:
            msg = "prompts or rows, not both"
            raise ValueError(msg)
        return self


class GivenRowsOptions(AnswerOptions):
    """Whole rows: of a file, or of the sources and generators before this one."""

    path: str | None = Field(
        None, description="a file of rows, in any format that a source may have; null: rows before"
    )
    license: str | None = Field(None, description="licence of the file")
    rows: tuple[str, ...] = Field(
        (), description="names of the sources and generators before this one; empty: all"
    )

    @model_validator(mode="after")
    def _takes_one_of_them(self) -> Self:
        if self.path is not None and self.rows:
            msg = "path or rows, not both"
            raise ValueError(msg)
        return self
