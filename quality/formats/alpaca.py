"""Alpaca: `{"instruction": ..., "input": ..., "output": ...}`, and Dolly, its close relative.

Dolly: `{"instruction": ..., "context": ..., "response": ..., "category": ...}`. LLaMA-Factory adds
`system` and `history` (`[[question, answer], ...]`, earlier exchanges).
"""

from typing import Final

import polars as pl

from quality.formats.parse import (
    SYSTEM_FIELDS,
    FormatError,
    Message,
    Parsed,
    Record,
    conversation,
    first_text,
    is_present,
    output_of,
    single_exchange,
    text_of,
)
from quality.text import is_placeholder_input

_INPUT_FIELDS: Final = ("input", "context")
_OUTPUT_FIELDS: Final = ("output", "response", "answer", "completion")


def detect(record: Record) -> bool:
    """Tell whether the record has an `instruction`."""
    return is_present(record.get("instruction"))


def parse(record: Record) -> Parsed:
    """Return the row; an input that only says "no input" is read as "".

    Raises:
        FormatError: `missing_instruction`, `missing_output`, `empty_instruction` or `not_text`.
    """
    instruction = text_of(record.get("instruction"), field="instruction")
    if instruction is None:
        msg = "expected text in 'instruction', got none"
        raise FormatError(msg, rule="missing_instruction")
    context = first_text(record, _INPUT_FIELDS) or ""
    if is_placeholder_input(context, instruction):
        context = ""
    row = single_exchange(
        system=first_text(record, SYSTEM_FIELDS) or "",
        instruction=instruction,
        context=context,
        output=output_of(record, _OUTPUT_FIELDS),
    )
    if not record.get("history"):
        return row
    earlier = _history_turns(record["history"])
    return conversation([*earlier, *row.messages[-2:]], system=row.system)


def _history_turns(history: object) -> list[Message]:
    """Return the turns of `[[question, answer], ...]`."""
    turns: list[Message] = []
    for place, pair in enumerate(history if isinstance(history, list) else [history]):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            msg = f"expected [question, answer] in 'history'[{place}], got {pair!r:.60}"
            raise FormatError(msg, rule="not_text")
        for role, value in zip(("user", "assistant"), pair, strict=True):
            text = text_of(value, field=f"history[{place}]")
            turns.append({"role": role, "content": text or ""})
    return turns


def reason_left_out() -> pl.Expr:
    """Return why a row cannot be written in a form of one question and one answer; null = it can.

    `multi_turn`: not exactly one user turn and its answer. `system_turn`: the form has no place
    for it, and dropping it silently would train on another task.
    """
    roles = pl.col("messages").list.eval(pl.element().struct.field("role")).list.join(" ")
    return (
        pl.when(roles == "user assistant")
        .then(pl.lit(None, dtype=pl.String))
        .when(roles == "system user assistant")
        .then(pl.lit("system_turn"))
        .otherwise(pl.lit("multi_turn"))
        .alias("reason")
    )


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `instruction`, `input`, `output` of the rows for which `reason_left_out` is null."""
    return rows.filter(reason_left_out().is_null()).select("instruction", "input", "output")
