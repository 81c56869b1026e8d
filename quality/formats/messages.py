"""Chat messages: `{"messages": [{"role": "user", "content": ...}, ...]}`.

The form that TRL, Axolotl, torchtune and the OpenAI API take.
"""

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
from quality.formats.turns import parse_turns


def detect(record: Record) -> bool:
    """Tell whether the record has `messages`."""
    return is_present(record.get("messages"))


def parse(record: Record) -> Parsed:
    """Return the row.

    Raises:
        FormatError: `missing_instruction` (no list of turns), `no_user_turn`, `missing_output`,
            `empty_instruction`, `unknown_role`, `missing_text` or `not_text`.
    """
    if not detect(record):
        msg = "expected a list of turns in 'messages'"
        raise FormatError(msg, rule="missing_instruction")
    system = first_text(record, SYSTEM_FIELDS) or ""
    return conversation(parse_turns(record["messages"], field="messages"), system=system)


def reason_left_out() -> pl.Expr:
    """Return null: every row is a list of messages."""
    return pl.lit(None, dtype=pl.String).alias("reason")


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the column `messages`."""
    return rows.select("messages")
