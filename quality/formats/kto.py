"""KTO: `{"prompt": ..., "completion": ..., "label": true or false}`, one answer a line.

Source: Ethayarajh et al. 2024, https://arxiv.org/abs/2402.01306, in the fields of TRL.
"""

from typing import Final

import polars as pl

from quality.formats import prompt_completion
from quality.formats.openai import reason_left_out
from quality.formats.parse import FormatError, Parsed, Record, is_present

__all__ = ["detect", "parse", "reason_left_out", "render"]

_WORDS: Final = {"true": True, "false": False}


def detect(record: Record) -> bool:
    """Tell whether the record has a prompt, a completion and a label that is true or false."""
    is_answer = all(is_present(record.get(name)) for name in ("prompt", "completion"))
    return is_answer and _is_desirable(record) is not None


def _is_desirable(record: Record) -> bool | None:
    """Return the label, which tables without types hold as a word; None where it is no label."""
    label = record.get("label")
    if isinstance(label, bool):
        return label
    return _WORDS.get(label) if isinstance(label, str) else None


def parse(record: Record) -> Parsed:
    """Return the row of a desirable answer.

    Raises:
        FormatError: `undesirable` where the label is false: an answer to avoid is nothing to
            train on, and it says not which answer it lost to; else as prompt and completion.
    """
    if _is_desirable(record) is False:
        msg = "expected a desirable answer, got `label` false: give pairs to keep such answers"
        raise FormatError(msg, rule="undesirable")
    return prompt_completion.parse(record)


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `prompt`, `completion` and `label`: an answer is desirable, one that lost is not.

    A row with a rejected answer gives two lines, the desirable one first.
    """
    turns = pl.col("messages")
    lost = pl.struct(pl.lit("assistant").alias("role"), pl.col("rejected").alias("content"))
    found = rows.filter(reason_left_out().is_null()).with_row_index("_row")
    prompt = turns.list.head(turns.list.len() - 1).alias("prompt")
    good = found.select("_row", prompt, turns.list.tail(1).alias("completion"), label=pl.lit(True))
    bad = found.filter(pl.col("rejected").is_not_null()).select(
        "_row", prompt, pl.concat_list(lost).alias("completion"), label=pl.lit(False)
    )
    return pl.concat([good, bad]).sort("_row", pl.col("label").not_()).drop("_row")
