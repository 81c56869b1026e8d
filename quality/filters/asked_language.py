"""The language that was asked for."""

import polars as pl

from quality.filters.check import Check, check_at_least, require_column
from quality.scorers.asked_language import asked_tongue


def asked_language(column: str = "output") -> Check:
    """Drop rows whose output is in another language than the instruction names.

    Args:
        column: "output", the text the `asked_language` scorer reads.

    Returns:
        A check that keeps rows where no language is asked for or recognised, without measuring
        them.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.asked_language`.

    Example:
        >>> frame = pl.DataFrame({"output": ["Ja", "Yes"], "asked_language": [1.0, 0.0]})
        >>> frame.filter(asked_language().keep)["output"].to_list()
        ['Ja']
    """
    require_column(column, "output")
    code, start = asked_tongue(pl.col("instruction")), pl.col(column).str.slice(0, 60)
    return check_at_least("asked_language", 1.0, pl.format("asked for {}: {}", code, start))
