"""Options of rows in which a model says who it is, and the file that they are made of."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, StringConstraints

from schemas.recipe.base import Options
from schemas.recipe.generators.answers import GeneratorBase

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class IdentityOptions(GeneratorBase):
    """What a model should say of itself, from a file of the user's; no teacher is asked."""

    asks_teacher: ClassVar[bool] = False

    kind: Literal["identity"]
    persona: str = Field(description="YAML: name, maker, made_with, purpose, languages, ...")
    answers_per_question: PositiveInt = Field(2, description="of which there are five at most")
    license: str | None = Field(None, description="licence of the persona file")


class Persona(Options):
    """A model as its maker describes it; nothing is asked about a field that is left out."""

    name: Words = Field(description="of the model")
    maker: Words | None = Field(None, description="who made it: a person, a group, a company")
    made_with: Words | None = Field(None, description="what it was made from, as a noun")
    purpose: Words | None = Field(None, description='what it is for, behind "I am here to"')
    languages: tuple[Words, ...] = Field((), description="names of languages")
    limits: tuple[Words, ...] = Field((), description="sentences in the first person")
    contact: Words | None = Field(None, description="address for questions and complaints")
