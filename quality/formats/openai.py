"""OpenAI fine-tuning files: messages, the last of which must be the assistant's."""

import polars as pl

from quality.formats import messages

detect = messages.detect
parse = messages.parse


def reason_left_out() -> pl.Expr:
    """Return `no_final_answer` where the last turn is not the assistant's, else null."""
    last = pl.col("messages").list.last().struct.field("role")
    return (
        pl.when(last == "assistant")
        .then(pl.lit(None, dtype=pl.String))
        .otherwise(pl.lit("no_final_answer"))
        .alias("reason")
    )


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the column `messages` of the rows for which `reason_left_out` is null."""
    return rows.filter(reason_left_out().is_null()).select("messages")
