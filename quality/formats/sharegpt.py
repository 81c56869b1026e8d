"""ShareGPT: `{"id": ..., "conversations": [{"from": "human", "value": ...}, ...]}`."""

from typing import Final

import polars as pl

from quality.formats.parse import (
    SYSTEM_FIELDS,
    FormatError,
    Parsed,
    Record,
    conversation,
    first_text,
    is_present,
)
from quality.formats.turns import is_turn_list, parse_turns

_FIELDS: Final = ("conversations", "conversation")
# Too common a name to mean a conversation by itself: it must look like one.
_WEAK_FIELD: Final = "items"


def detect(record: Record) -> bool:
    """Tell whether the record has `conversations`, or `items` that are turns."""
    return any(is_present(record.get(name)) for name in _FIELDS) or is_turn_list(
        record.get(_WEAK_FIELD)
    )


def parse(record: Record) -> Parsed:
    """Return the row.

    Raises:
        FormatError: `missing_instruction` (no list of turns), `no_user_turn`, `missing_output`,
            `empty_instruction`, `unknown_role`, `missing_text` or `not_text`.
    """
    for name in (*_FIELDS, _WEAK_FIELD):
        if is_present(record.get(name)):
            system = first_text(record, SYSTEM_FIELDS) or ""
            return conversation(parse_turns(record[name], field=name), system=system)
    msg = "expected a list of turns in 'conversations'"
    raise FormatError(msg, rule="missing_instruction")


def reason_left_out() -> pl.Expr:
    """Return null: every row has a ShareGPT form."""
    return pl.lit(None, dtype=pl.String).alias("reason")


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `id` and `conversations`, in the spelling of FastChat (human, gpt, system)."""
    turn = pl.element().struct
    speaker = turn.field("role").replace({"user": "human", "assistant": "gpt"})
    turns = pl.struct(speaker.alias("from"), turn.field("content").alias("value"))
    return rows.select("id", pl.col("messages").list.eval(turns).alias("conversations"))
