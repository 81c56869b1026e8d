"""Which row comes before which: by a score, best first."""

from typing import Final

import polars as pl

from schemas.errors import InputError

#: Scores in the order in which they are trusted: what a labelled model says, a judge, the rules.
SCORES: Final = ("student", "judge", "quality")


def choose_score(rows: pl.DataFrame, by: str | None = None) -> str:
    """Name the score column that rows are ranked by.

    Args:
        rows: any frame.
        by: a column; None: the first of SCORES that is there.

    Raises:
        InputError: if there is no such column, or it holds no numbers.

    Example:
        >>> choose_score(pl.DataFrame({"quality": [0.5], "judge": [4.0]}))
        'judge'
    """
    numeric = [
        name for name, dtype in rows.schema.items() if dtype.is_numeric() or dtype == pl.Boolean
    ]
    found = next((name for name in SCORES if name in numeric), None) if by is None else by
    if found not in numeric:
        shown = ", ".join(sorted(numeric)) or "none"
        msg = (
            f"select.by: expected a score column, one of {shown}, got {by!r}: name one of these, "
            "or list its scorer under `scorers`"
        )
        raise InputError(msg)
    return found


def rank_rows(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sort rows by a score, highest first, and add it as Float64 column `score`.

    Args:
        rows: frame with a unique String `id` and the numeric column `by`.
        by: from `choose_score`.

    Returns:
        The rows, best first; null and NaN come last, ties are ordered by id, so that the order
        that the rows came in changes nothing.

    Example:
        >>> rows = pl.DataFrame({"id": ["a", "b", "c"], "x": [None, 1, 1]})
        >>> rank_rows(rows, "x")["id"].to_list()
        ['b', 'c', 'a']
    """
    score = pl.col(by).cast(pl.Float64).fill_nan(None).alias("score")
    return rows.with_columns(score).sort(["score", "id"], descending=[True, False], nulls_last=True)
