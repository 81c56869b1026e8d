"""The order in which rows are compared, and the frame that a comparison returns."""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.frames import PAIRS


def in_order_of_survival(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort `rows` by `priority` (highest first, unknown last; where there is one), then `id`.

    Every method compares in this order, so that no result depends on the order of the input and
    a bounded comparison looks at the likely survivors first.
    """
    if "priority" not in rows.columns:
        return rows.sort("id")
    # NaN sorts above every number in Polars; an unknown priority must come last.
    priority = pl.col("priority").cast(pl.Float64).fill_nan(None)
    return rows.with_columns(priority).sort(
        "priority", "id", descending=[True, False], nulls_last=True
    )


def pairs_frame(
    ids: pl.Series, pairs: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64]
) -> pl.DataFrame:
    """Return pairs of row numbers as PAIRS, each pair and all of them ordered by id.

    Args:
        ids: String, n values.
        pairs: int64, shape (m, 2 or more): rows.
        similarity: float64, shape (m,).
    """
    left, right = ids.gather(pairs[:, 0]), ids.gather(pairs[:, 1])
    frame = pl.DataFrame({"a": left, "b": right, "similarity": similarity})
    return (
        frame.select(
            pl.min_horizontal("a", "b").alias("id_a"),
            pl.max_horizontal("a", "b").alias("id_b"),
            pl.col("similarity").cast(pl.Float64),
        )
        .select(list(PAIRS))
        .sort("id_a", "id_b")
    )
