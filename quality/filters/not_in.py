"""Rows that a person decided against: by id, by source, or by any other text column."""

from typing import Final

import polars as pl

from quality.filters.check import Check, Codes

_NONE: Final[Codes] = []


def not_in(column: str = "id", *, value: Codes = _NONE) -> Check:
    """Drop rows whose column holds one of the texts in `value`, such as ids picked on the map.

    Args:
        column: name of a text column: "id", "source", "language", ...
        value: the texts; left out: none.

    Returns:
        A check that never abstains: a row without a text there is not named.

    Source:
        GPT4All's authors (Anand et al. 2023) found and dropped a bad source on a map of its rows.

    Example:
        >>> frame = pl.DataFrame({"source": ["good", "bad", None]})
        >>> frame.select(not_in("source", value=["bad"]).keep).to_series().to_list()
        [True, False, True]
    """
    texts = pl.col(column).cast(pl.String)
    return Check(
        measured=pl.lit(None, dtype=pl.Float64),
        keep=(~texts.is_in(value)).fill_null(value=True),
        evidence=pl.format("{}: {}", pl.lit(column), texts.str.slice(0, 60)),
    )
