"""Refusals."""

from quality.filters.check import Check, Share, check_flag, require_column
from quality.scorers.refusal import find_refusal


def refusal(column: str = "output", *, value: Share = 0.5) -> Check:
    """Drop rows whose output refuses the task or speaks "as an AI" of what it cannot do.

    Args:
        column: "output", the text the `refusal` scorer reads.
        value: score from which a row is dropped; 1.0 keeps refusals that go on to answer.

    Returns:
        A check that abstains where the task may have asked for the refusal.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.refusal`.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"output": ["Blue.", "I cannot help."], "refusal": [0.0, 1.0]})
        >>> frame.filter(refusal().keep)["output"].to_list()
        ['Blue.']
    """
    require_column(column, "output")
    return check_flag("refusal", find_refusal(column), value=value)
