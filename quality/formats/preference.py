"""Preference pairs: a prompt, the answer that was chosen and the one that was rejected.

Read: TRL's standard and conversational forms (with `prompt`, or with the whole conversation in
`chosen` and `rejected`), Alpaca fields with two answers, LLaMA-Factory's ranking form, OpenAI's
`input`, `preferred_output`, `non_preferred_output`. Written: TRL's conversational form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    single_exchange,
    text_of,
)
from quality.formats.turns import is_turn_list, parse_turns

_ANSWERS: Final = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_PROMPTS: Final = ("prompt", "question", "query")
_CONVERSATIONS: Final = ("conversations", "messages")


def detect(record: Record) -> bool:
    """Tell whether the record has two answers, of which one was preferred."""
    return any(all(is_present(record.get(name)) for name in names) for names in _ANSWERS)


def parse(record: Record) -> Parsed:
    """Return the row of the chosen answer, with the rejected one beside it.

    Raises:
        FormatError: `missing_output` where an answer is missing, `equal_answers`,
            `different_prompts` (the two conversations differ before their last turns),
            `missing_instruction`, or a rule of the form that the prompt has.
    """
    names = next((two for two in _ANSWERS if is_present(record.get(two[0]))), _ANSWERS[0])
    (context, chosen), (other, rejected) = (_answer(record, name) for name in names)
    if context != other:
        msg = f"expected one conversation in {names[0]!r} and {names[1]!r}, got two"
        raise FormatError(msg, rule="different_prompts")
    if chosen == rejected:
        msg = "expected two answers, got the same one twice"
        raise FormatError(msg, rule="equal_answers")
    system = first_text(record, SYSTEM_FIELDS) or ""
    turns = context or _prompt_turns(record)
    if turns is not None:
        answer = {"role": "assistant", "content": chosen}
        row = conversation([*turns, answer], system=system)
    else:
        row = single_exchange(
            system=system,
            instruction=first_text(record, ("instruction", *_PROMPTS)) or "",
            context=first_text(record, ("input", "context")) or "",
            output=chosen,
        )
    return replace(row, rejected=rejected)


def _answer(record: Record, name: str) -> tuple[list[Message], str]:
    """Return the turns before an answer, none where the field holds the answer alone, and it."""
    value = record.get(name)
    if isinstance(value, Mapping):
        value = [value]
    if not is_turn_list(value):
        text = text_of(value, field=name)
        if text is None:
            msg = f"expected an answer in {name!r}, got none"
            raise FormatError(msg, rule="missing_output")
        return [], text
    *before, last = parse_turns(value, field=name)
    if last["role"] != "assistant":
        msg = f"expected an assistant turn at the end of {name!r}, got one of the {last['role']}"
        raise FormatError(msg, rule="missing_output")
    return before, last["content"]


def _prompt_turns(record: Record) -> Sequence[Message] | None:
    """Return the turns of a prompt that is a conversation; None where it is text."""
    given = record.get("input")
    if isinstance(given, Mapping):
        return parse_turns(given.get("messages"), field="input.messages")
    for name in (*_PROMPTS, *_CONVERSATIONS):
        if is_turn_list(record.get(name)):
            return parse_turns(record[name], field=name)
    if not any(is_present(record.get(name)) for name in ("instruction", *_PROMPTS)):
        msg = "expected a prompt beside the two answers, got none"
        raise FormatError(msg, rule="missing_instruction")
    return None


def reason_left_out() -> pl.Expr:
    """Return why a row is no pair: `no_rejected_answer` or `no_final_answer`; null = it is one."""
    last = pl.col("messages").list.last().struct.field("role")
    return (
        pl.when(pl.col("rejected").is_null())
        .then(pl.lit("no_rejected_answer"))
        .when(last != "assistant")
        .then(pl.lit("no_final_answer"))
        .otherwise(pl.lit(None, dtype=pl.String))
        .alias("reason")
    )


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `prompt`, `chosen` and `rejected` of the rows that are pairs, as lists of turns."""
    turns = pl.col("messages")
    lost = pl.struct(pl.lit("assistant").alias("role"), pl.col("rejected").alias("content"))
    return rows.filter(reason_left_out().is_null()).select(
        turns.list.head(turns.list.len() - 1).alias("prompt"),
        turns.list.tail(1).alias("chosen"),
        pl.concat_list(lost).alias("rejected"),
    )
