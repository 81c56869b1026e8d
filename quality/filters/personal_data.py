"""Personal data."""

import polars as pl

from quality.filters.check import Check, Count, check_at_most, require_column
from quality.scorers.conversation import said
from quality.scorers.personal_data import find_personal_data
from quality.scorers.secrets import mask


def personal_data(column: str = "messages", *, value: Count = 0) -> Check:
    """Keep rows with at most `value` e-mail addresses, phone, card or account numbers.

    Args:
        column: "messages", the whole conversation that the `personal_data` scorer reads.
        value: inclusive upper bound, different finds.

    Returns:
        A check that never abstains. Its evidence is masked: four characters and the length.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.personal_data`.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b"], "personal_data": [0.0, 1.0]})
        >>> frame.filter(personal_data().keep)["output"].to_list()
        ['a']
    """
    require_column(column, "messages")
    first = said().map_elements(_first_found, return_dtype=pl.String)
    return check_at_most("personal_data", float(value), mask(first))


def _first_found(text: str) -> str | None:
    return next(iter(find_personal_data(text)), None)
