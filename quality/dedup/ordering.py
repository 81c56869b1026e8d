"""The order in which rows are compared, and the frame that a comparison returns."""

import polars as pl

from schemas.frames import PAIRS, empty_frame


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


def pairs_frame(found: list[tuple[str, str, float, str]]) -> pl.DataFrame:
    """Return (id, id, similarity, evidence) tuples as PAIRS, each pair and all of them ordered."""
    if not found:
        return empty_frame(PAIRS)
    frame = pl.DataFrame(found, schema=dict(PAIRS), orient="row")
    return frame.with_columns(
        id_a=pl.min_horizontal("id_a", "id_b"), id_b=pl.max_horizontal("id_a", "id_b")
    ).sort("id_a", "id_b")
