"""From parsed records to the columns of a frame."""

from collections.abc import Sequence

import polars as pl

from quality.formats.parse import Message
from schemas.frames import MESSAGE


def messages_series(conversations: Sequence[Sequence[Message]]) -> pl.Series:
    """Return conversations as a `messages` column.

    Built flat and grouped afterwards: Polars converts lists of dicts one list at a time, which
    takes twenty times as long (2.3 s against 0.12 s for 52,002 conversations).

    Args:
        conversations: turns with `role` and `content`, one list for each row.

    Returns:
        List(MESSAGE) series called `messages`; empty lists stay empty.
    """
    turns = [
        (row, turn["role"], turn["content"])
        for row, conversation in enumerate(conversations)
        for turn in conversation
    ]
    flat = pl.DataFrame(
        {
            "row": [row for row, _, _ in turns],
            "role": [role for _, role, _ in turns],
            "content": [content for _, _, content in turns],
        },
        schema={"row": pl.Int64, "role": pl.String, "content": pl.String},
    )
    grouped = flat.group_by("row", maintain_order=True).agg(pl.struct("role", "content"))
    every = pl.DataFrame({"row": range(len(conversations))}, schema={"row": pl.Int64})
    messages = every.join(grouped, on="row", how="left", maintain_order="left")["role"]
    empty = pl.Series([[]], dtype=pl.List(MESSAGE))
    return messages.cast(pl.List(MESSAGE)).fill_null(empty).alias("messages")
