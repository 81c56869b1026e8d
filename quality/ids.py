"""Row ids: a hash of what a row says, numbered where several rows say the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from quality.text import normalise_text

_ID_LENGTH: Final = 32

_NUMBERED: Final = r"^([0-9a-f]{32})-[0-9]+$"

# Position decides which copy is the first. Generated rows have no position, so the request and the
# raw text break the tie; rows equal in all five are interchangeable.
_ORDER: Final = ("source", "file", "row", "request_key", "raw")


def content_id(messages: Iterable[Mapping[str, str]], rejected: str | None = None) -> str:
    r"""Return the id of a conversation: the same words in the same roles, the same id.

    Args:
        messages: turns with `role` and `content`; contents are normalised here, so that an id
            does not depend on who made the messages.
        rejected: the answer that lost to the last turn, if there is one; a pair is another row
            than its better half.

    Returns:
        The first 32 hex digits of the SHA-256 of the JSON `[[role, content], ...]`; a rejected
        answer is one more turn, of the role `rejected`.

    Example:
        >>> content_id([{"role": "user", "content": "Hi\r\n"}])
        '8b1450277179b15b70831cee0e0ec563'
    """
    turns = [[turn["role"], normalise_text(turn["content"])] for turn in messages]
    if rejected is not None:
        turns.append(["rejected", normalise_text(rejected)])
    canonical = json.dumps(turns, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()[:_ID_LENGTH]


def number_copies(frame: pl.DataFrame) -> pl.DataFrame:
    """Give every row an id of its own: rows with the same content become `h`, `h-1`, `h-2` ...

    The first copy is the one that comes first by source, file and row, whatever the order of
    `frame`. Numbering a numbered frame again changes nothing.

    Args:
        frame: rows with `id`, `source`, `file` and `row`; all rows of a run, so that ids are
            unique in it.

    Returns:
        The same rows in the same order with unique ids.
    """
    order = [column for column in _ORDER if column in frame.columns]
    content = frame.select(
        *order, pl.col("id").str.replace(_NUMBERED, "$1"), pl.int_range(pl.len()).alias("_place")
    )
    copy = pl.int_range(pl.len()).over("id")
    numbered = (
        content.sort(order, nulls_last=False, maintain_order=True)
        .with_columns(
            pl.when(copy == 0)
            .then(pl.col("id"))
            .otherwise(pl.format("{}-{}", pl.col("id"), copy))
            .alias("id")
        )
        .sort("_place")
    )
    return frame.with_columns(numbered["id"])


def draw_shares(ids: pl.Series, salt: str) -> pl.Series:
    """Draw a number for every row, so that a share of them can be taken.

    Args:
        ids: String; the order of rows changes no draw.
        salt: says what is drawn for; another one, other draws.

    Returns:
        Float64 in 0..1, 1 excluded.
    """
    draws = [
        int.from_bytes(hashlib.sha256(f"{salt}:{row_id}".encode()).digest()[:8]) / 2**64
        for row_id in ids
    ]
    return pl.Series("draw", draws, dtype=pl.Float64)
