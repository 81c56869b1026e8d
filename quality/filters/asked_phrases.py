"""The wording that was asked for."""

import polars as pl

from quality.filters.check import Check, Share, check_at_least, require_column


def asked_phrases(column: str = "output", *, value: Share = 1.0) -> Check:
    """Keep rows whose output meets at least the share `value` of the demanded wordings.

    Args:
        column: "output", the text the `asked_phrases` scorer reads.
        value: inclusive lower bound.

    Returns:
        A check that keeps rows where no wording is demanded, without measuring them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_phrases`.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b"], "asked_phrases": [1.0, 0.5]})
        >>> frame.filter(asked_phrases().keep)["output"].to_list()
        ['a']
    """
    require_column(column, "output")
    met = (pl.col("asked_phrases") * 100).round(0).cast(pl.Int64)
    return check_at_least("asked_phrases", value, pl.format("{} % of demands met", met))
