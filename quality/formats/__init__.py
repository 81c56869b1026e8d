"""The forms of training data, in both directions.

A new form is one file with `detect`, `parse`, `reason_left_out` and `render`, one line below, and
one test. The order is the order of recognition: a record that fits several forms is the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from quality.formats import (
    alpaca,
    kto,
    messages,
    oasst,
    openai,
    preference,
    prompt_completion,
    prompts,
    sharegpt,
)
from quality.formats.parse import FormatError, Message, Parsed, Record, describe_fields
from quality.formats.published import unfold

__all__ = [
    "FORMATS",
    "Format",
    "FormatError",
    "Message",
    "Parsed",
    "Record",
    "expand_record",
    "parse_record",
]


@dataclass(frozen=True, slots=True)
class Format:
    """One form.

    Attributes:
        detect: whether a record has the fields of this form.
        parse: record to row; raises FormatError.
        reason_left_out: String expression over rows; null where the form can hold the row.
        render: rows to the frame that a trainer reads, without the rows that are left out.
        expand: record to the records that it holds, where it may hold several.
    """

    detect: Callable[[Record], bool]
    parse: Callable[[Record], Parsed]
    reason_left_out: Callable[[], pl.Expr]
    render: Callable[[pl.DataFrame], pl.DataFrame]
    expand: Callable[[Record], list[Record]] | None = None


FORMATS: Final[Mapping[str, Format]] = {
    "preference": Format(
        preference.detect, preference.parse, preference.reason_left_out, preference.render
    ),
    "kto": Format(kto.detect, kto.parse, kto.reason_left_out, kto.render),
    "oasst": Format(
        oasst.detect, oasst.parse, oasst.reason_left_out, oasst.render, expand=oasst.expand
    ),
    "messages": Format(messages.detect, messages.parse, messages.reason_left_out, messages.render),
    "sharegpt": Format(sharegpt.detect, sharegpt.parse, sharegpt.reason_left_out, sharegpt.render),
    "alpaca": Format(alpaca.detect, alpaca.parse, alpaca.reason_left_out, alpaca.render),
    "prompt_completion": Format(
        prompt_completion.detect,
        prompt_completion.parse,
        prompt_completion.reason_left_out,
        prompt_completion.render,
    ),
    "prompts": Format(prompts.detect, prompts.parse, prompts.reason_left_out, prompts.render),
    "openai": Format(openai.detect, openai.parse, openai.reason_left_out, openai.render),
}


def parse_record(record: object, *, form: str = "auto") -> Parsed:
    """Return the row of a record of any known form.

    Args:
        record: a JSON value as decoded.
        form: a name in FORMATS, or `auto` to recognise each record by its fields.

    Raises:
        FormatError: `not_an_object`, `unknown_format`, or what the form's `parse` raises.
        KeyError: if `form` is not known; callers check names of users first.
    """
    if not isinstance(record, Mapping):
        msg = f"expected an object, got {type(record).__name__}"
        raise FormatError(msg, rule="not_an_object")
    if form != "auto":
        return FORMATS[form].parse(record)
    for known in FORMATS.values():
        if known.detect(record):
            return known.parse(record)
    msg = f"expected the fields of {', '.join(FORMATS)}, got {describe_fields(record)}"
    raise FormatError(msg, rule="unknown_format")


def expand_record(record: object, *, form: str = "auto") -> list[Any]:
    """Return the records that a record holds: threads of a tree, a dataset's own form; else itself.

    Args:
        record: a JSON value as decoded.
        form: as for `parse_record`.
    """
    if not isinstance(record, Mapping):
        return [record]
    if form == "auto" and (unfolded := unfold(record)) != [record]:
        return list(unfolded)
    for name, known in FORMATS.items():
        if known.expand is not None and form in ("auto", name):
            held: list[Any] = known.expand(record)
            if held != [record]:
                return held
    return [record]
