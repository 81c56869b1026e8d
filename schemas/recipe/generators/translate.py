"""Options of translated rows."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.recipe.base import Share
from schemas.recipe.generators.given import GivenRowsOptions

LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]


class TranslateOptions(GivenRowsOptions):
    """Rows in other languages, translated there and back and compared."""

    kind: Literal["translate"]
    to: tuple[LanguageCode, ...] = Field(("de",), min_length=1, description="ISO 639-1")
    min_round_trip: Share = Field(
        0.4, description="chrF of a text and its translation there and back"
    )
