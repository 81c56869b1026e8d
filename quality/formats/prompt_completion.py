"""Prompt and completion: `{"prompt": ..., "completion": ...}`.

Also question and answer (GSM8K), query and response, and TRL's conversational variant, where both
are lists of turns. `chosen` of a preference pair is an answer where it is text.
"""

from typing import Final

import polars as pl

from quality.formats.alpaca import reason_left_out
from quality.formats.parse import (
    SYSTEM_FIELDS,
    FormatError,
    Parsed,
    Record,
    conversation,
    first_text,
    is_present,
    output_of,
    single_exchange,
)
from quality.formats.turns import is_turn_list, parse_turns

__all__ = ["detect", "parse", "reason_left_out", "render"]

_PROMPT_FIELDS: Final = ("prompt", "question", "query")
_COMPLETION_FIELDS: Final = ("completion", "response", "answer", "output", "chosen")


def detect(record: Record) -> bool:
    """Tell whether the record has a `prompt`, `question` or `query`."""
    return any(is_present(record.get(name)) for name in _PROMPT_FIELDS)


def parse(record: Record) -> Parsed:
    """Return the row; the prompt is the instruction, whole.

    Raises:
        FormatError: `missing_instruction`, `missing_output`, `empty_instruction`, `not_text`, or
            a rule of turns where prompt and completion are lists.
    """
    name = next((name for name in _PROMPT_FIELDS if is_present(record.get(name))), None)
    if name is None:
        msg = f"expected a question in one of {', '.join(_PROMPT_FIELDS)}"
        raise FormatError(msg, rule="missing_instruction")
    system = first_text(record, SYSTEM_FIELDS) or ""
    if is_turn_list(record[name]):
        return _parse_conversational(record, name, system=system)
    return single_exchange(
        system=system,
        instruction=first_text(record, (name,)) or "",
        context="",
        output=output_of(record, _COMPLETION_FIELDS),
    )


def _parse_conversational(record: Record, name: str, *, system: str) -> Parsed:
    turns = parse_turns(record[name], field=name)
    completion = record.get("completion")
    if is_turn_list(completion):
        turns += parse_turns(completion, field="completion")
    else:
        output = output_of(record, _COMPLETION_FIELDS)
        turns.append({"role": "assistant", "content": output})
    return conversation(turns, system=system)


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `prompt` (instruction and input) and `completion` of rows with one exchange."""
    return rows.filter(reason_left_out().is_null()).select(
        pl.col("messages").list.first().struct.field("content").alias("prompt"),
        pl.col("output").alias("completion"),
    )
