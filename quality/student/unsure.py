"""Which rows a student had better ask about."""

import polars as pl


def least_sure(rows: pl.DataFrame, wanted: int) -> list[str]:
    """Return the ids of the rows that no judge has rated and the student doubts most.

    Args:
        rows: frame with `id`, `judge` and `student_spread`; where the spread is null, the student
            has no opinion to doubt.
        wanted: ids at most.

    Returns:
        Ids, ascending, so that they do not depend on the order of `rows`.

    Source:
        Seung, Opper and Sompolinsky 1992 (query by committee). Differs: a committee of two.
    """
    unrated = rows.filter(pl.col("judge").is_null() & pl.col("student_spread").is_not_null())
    doubted = unrated.sort("student_spread", "id", descending=[True, False]).head(wanted)
    return doubted["id"].sort().to_list()
