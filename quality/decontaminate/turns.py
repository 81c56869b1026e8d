"""Rows as texts in which benchmark items are looked for."""

import polars as pl


def row_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return every turn of every row, and where a task has an input, the two also apart.

    Args:
        rows: ROWS.

    Returns:
        Frame of `row` (UInt32, place in `rows`) and `text` (String, not blank), in the order of the
        rows; a row's texts are different.
    """
    has_turns = pl.col("messages").list.len().fill_null(0) > 0
    turns = pl.col("messages").list.eval(pl.element().struct.field("content"))
    columns = pl.concat_list("instruction", "input", "output")
    is_divided = pl.col("input").fill_null("") != ""
    texts = (
        pl.when(has_turns & is_divided)
        .then(pl.concat_list(turns.fill_null([]), columns))
        .when(has_turns)
        .then(turns)
        .otherwise(columns)
    )
    found = rows.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), text=texts)
    found = found.explode("text").drop_nulls("text")
    found = found.filter(pl.col("text").str.strip_chars() != "")
    return found.unique(maintain_order=True)
