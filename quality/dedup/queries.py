"""Conversations of one source that begin with the same query: the longest stays."""

import polars as pl

from quality.dedup.exact import fold_series
from quality.preferences import markers_of
from schemas.frames import DECISIONS, empty_frame

EVIDENCE = "the query of a conversation as long or longer, after folding case and white space"


def repeated_queries(rows: pl.DataFrame, within: pl.Series) -> pl.DataFrame:
    """Find the rows that ask what a longer row of the same source asks.

    A query is the first user turn with its input; a row under another marker is another query.
    How long a conversation is is the number of characters of all its turns; of equally long ones
    that with the lowest id stays.

    Args:
        rows: ROWS with unique ids.
        within: one a row: rows are compared that have the same value here; null: with none.

    Returns:
        DECISIONS, one line a row that goes: rule `same_query`, the value is its length, the
        threshold that of the row that stays.

    Source:
        Koala (BAIR 2023) deduplicated ShareGPT on the level of the user's query. Differs: which of
        several conversations stays is stated.
    """
    length = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars())
    table = rows.select(
        "id",
        within=within,
        marker=markers_of(rows).fill_null(""),
        instruction=fold_series(rows["instruction"]),
        input=fold_series(rows["input"]),
        length=length.list.sum().cast(pl.Float64),
    ).filter(pl.col("within").is_not_null() & (pl.col("instruction") != ""))
    query = ["within", "marker", "instruction", "input"]
    ranked = table.sort(["length", "id"], descending=[True, False])
    best = ranked.group_by(query, maintain_order=True).first()
    gone = ranked.join(best, on=query, suffix="_best").filter(pl.col("id") != pl.col("id_best"))
    lines = gone.sort("id").select(
        "id",
        stage=pl.lit("ingest"),
        rule=pl.lit("same_query"),
        action=pl.lit("drop"),
        value=pl.col("length"),
        threshold=pl.col("length_best"),
        matched_id=pl.col("id_best"),
        similarity=pl.lit(1.0),
        evidence=pl.lit(EVIDENCE),
    )
    return pl.concat([empty_frame(DECISIONS), lines.select(list(DECISIONS))])
