"""What the arithmetic of training is told: the size of the model, and how fast it is trained."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from schemas.recipe.base import Options

_AMOUNT: Final = re.compile(
    r"([0-9][0-9_,]*(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)\s*([kmbgtpe]?)", re.IGNORECASE
)
_FACTORS: Final = {
    "": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12, "p": 10**15, "e": 10**18,
}  # fmt: skip


def read_amount(value: object) -> object:
    """Return a number above 0 that may be written short; what is no text stays as it is.

    Args:
        value: such as `111M`, `6.7B`, `1.3e9` or `312T`.

    Raises:
        ValueError: if it is a text and no such number.

    Example:
        >>> read_amount("6.7B"), read_amount("1_300_000"), read_amount(111)
        (6700000000.0, 1300000.0, 111)
    """
    if not isinstance(value, str):
        return value
    found = _AMOUNT.fullmatch(value.strip())
    if found is None:
        msg = "a number above 0 such as 111M, 6.7B or 1.3e9"
        raise ValueError(msg)
    number, unit = found.groups()
    # Rounded, so that 6.7B is the whole number that its writer means.
    return round(float(number.replace("_", "").replace(",", "")) * _FACTORS[unit.lower()], 6)


#: Far beyond all that is trained, and far below what a float cannot square.
MOST: Final = 1e30
Amount = Annotated[float, BeforeValidator(read_amount), Field(gt=0, le=MOST)]


class TrainingOptions(Options):
    """For the arithmetic of training in `plan` and on the card; shapes no row."""

    parameters: Amount = Field(description="of the model that is trained, such as 111M or 7B")
    unique_tokens: Amount | None = Field(
        None, description="tokens to train on; null: those of this dataset"
    )
    flops_per_second: Amount | None = Field(
        None, description="that the hardware really does, such as 150T; null: no hours are quoted"
    )
