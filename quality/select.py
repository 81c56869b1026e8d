"""Takes the best rows where there are more than wanted."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from schemas.frames import DECISIONS, empty_frame


class Selection(NamedTuple):
    """Rows that are published, rows that are not, and why."""

    kept: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame


def select_rows(
    rows: pl.DataFrame, *, targets: Mapping[str, int], max_rows: int | None
) -> Selection:
    """Keep the rows with the highest quality, per source and then in all.

    Args:
        rows: ROWS with a `quality` column in 0..1; null quality ranks last.
        targets: source name to the number of rows wanted from it.
        max_rows: number wanted in all; null takes all.

    Returns:
        Selection; ties are broken by id, so that row order changes nothing.
    """
    ranked = rows.sort(["quality", "id"], descending=[True, False], nulls_last=True)
    ranked = ranked.with_columns(
        pl.int_range(pl.len()).over("source").alias("_rank"),
        pl.col("source")
        .replace_strict(dict(targets), default=None, return_dtype=pl.Int64)
        .alias("_target"),
    )
    over_target = (pl.col("_rank") >= pl.col("_target")).fill_null(value=False)
    surplus = _drop(ranked.filter(over_target), "over_target", pl.col("_target"))
    rest = ranked.filter(~over_target)
    limit = rest.height if max_rows is None else max_rows
    beyond = _drop(rest.slice(limit), "over_max_rows", pl.lit(limit))
    kept_ids = rest.head(limit)["id"]
    is_kept = pl.col("id").is_in(kept_ids.implode())
    return Selection(
        kept=rows.filter(is_kept),
        dropped=rows.filter(~is_kept),
        decisions=pl.concat([surplus, beyond]),
    )


def _drop(rows: pl.DataFrame, rule: str, threshold: pl.Expr) -> pl.DataFrame:
    """Decisions for rows that others outranked; the value is their quality."""
    made = rows.select(
        "id",
        pl.lit("select").alias("stage"),
        pl.lit(rule).alias("rule"),
        pl.lit("drop").alias("action"),
        pl.col("quality").cast(pl.Float64).alias("value"),
        threshold.cast(pl.Float64).alias("threshold"),
        pl.lit("more rows passed than wanted; those of higher quality were taken").alias(
            "evidence"
        ),
    )
    return pl.concat([empty_frame(DECISIONS), made], how="diagonal").select(list(DECISIONS))
