"""Options of Magpie."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from schemas.recipe.base import Name
from schemas.recipe.generators.answers import TargetOptions


class MagpieOptions(TargetOptions):
    """Magpie: an aligned model, given only the head of a user turn, writes the user's question."""

    kind: Literal["magpie"]
    template: str = Field(
        "auto",
        description="chat template of the teacher: chatml, llama3, mistral, gemma, phi3, zephyr, "
        "or a Jinja file, a tokenizer_config.json or a GGUF file; auto: that of the embedded one",
    )
    systems: Mapping[Name, str] = Field(
        {}, description="system turns to draw questions under, by a name that becomes the arm"
    )
    writes_bos: bool = Field(
        False, description="write the template's first token; most servers add it themselves"
    )
    one_line: bool = Field(True, description="a question ends at its first line break")
    n_turns: int = Field(1, ge=1, le=10, description="questions of a conversation")
    answer_temperature: float | None = Field(0.0, ge=0, le=2)
