"""Conversations of one source that begin alike: the longest stays."""

from typing import Final, Literal

import polars as pl

from quality.conversations.turns import first_exchange_key
from quality.dedup.exact import fold_series
from quality.preferences import markers_of
from schemas.frames import DECISIONS, empty_frame

_EVIDENCE: Final = "the {} of a conversation as long or longer, after folding case and white space"


def repeated_conversations(
    rows: pl.DataFrame,
    within: pl.Series,
    *,
    by: Literal["query", "first_exchange"],
) -> pl.DataFrame:
    """Find the rows that begin as a longer row of the same source does.

    How long a conversation is is the number of characters of all its turns; of equally long ones
    that with the lowest id stays.

    Args:
        rows: ROWS with unique ids.
        within: one a row: rows are compared that have the same value here; null: with none.
        by: the first user turn with its input, under the same marker; or the first user turn and
            the first answer.

    Returns:
        DECISIONS, one line a row that goes: rule `same_query` or `same_first_exchange`, the value
        is its length, the threshold that of the row that stays.

    Source:
        Koala (BAIR 2023) deduplicated ShareGPT on the level of the user's query, Vicuna (2023) by
        first question and first answer. Differs: which of several conversations stays is stated.
    """
    length = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars())
    keys = _queries(rows) if by == "query" else _exchanges(rows)
    table = rows.select(
        "id", within=within, length=length.list.sum().cast(pl.Float64), **keys
    ).filter(pl.col("within").is_not_null() & (pl.col("text") != ""))
    same = ["within", *keys]
    ranked = table.sort(["length", "id"], descending=[True, False])
    best = ranked.group_by(same, maintain_order=True).first()
    gone = ranked.join(best, on=same, suffix="_best").filter(pl.col("id") != pl.col("id_best"))
    lines = gone.sort("id").select(
        "id",
        stage=pl.lit("ingest"),
        rule=pl.lit(f"same_{by}"),
        action=pl.lit("drop"),
        value=pl.col("length"),
        threshold=pl.col("length_best"),
        matched_id=pl.col("id_best"),
        similarity=pl.lit(1.0),
        evidence=pl.lit(_EVIDENCE.format(by.replace("_", " "))),
    )
    return pl.concat([empty_frame(DECISIONS), lines.select(list(DECISIONS))])


def _queries(rows: pl.DataFrame) -> dict[str, pl.Series]:
    return {
        "text": fold_series(rows["instruction"]),
        "input": fold_series(rows["input"]),
        "marker": markers_of(rows).fill_null(""),
    }


def _exchanges(rows: pl.DataFrame) -> dict[str, pl.Series]:
    keys = [first_exchange_key(talk) for talk in rows["messages"].to_list()]
    return {"text": pl.Series(keys, dtype=pl.String)}
