"""Prompts: `{"prompt": [{"role": "user", "content": ...}]}`, what a policy is to answer.

Written only, for reinforcement learning (TRL's GRPO and RLOO, verl): the turns up to the last
question, without the answer where a row has one. Read, such a record lacks its answer.
"""

from typing import Final

import polars as pl

from quality.formats.parse import Record
from quality.formats.prompt_completion import parse

__all__ = ["detect", "parse", "reason_left_out", "render"]

_ROLES: Final = pl.col("messages").list.eval(pl.element().struct.field("role"))


def detect(_record: Record) -> bool:
    """No record is told to be one: a prompt alone is a pair whose answer is missing."""
    return False


def reason_left_out() -> pl.Expr:
    """Return `no_user_turn` where nothing is asked, else null."""
    return (
        pl.when(_ROLES.list.contains("user"))
        .then(pl.lit(None, dtype=pl.String))
        .otherwise(pl.lit("no_user_turn"))
        .alias("reason")
    )


def render(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `prompt`: the turns up to the last one of the user."""
    after = _ROLES.list.reverse().list.eval(pl.element() == "user").list.arg_max()
    turns = pl.col("messages")
    return rows.filter(reason_left_out().is_null()).select(
        turns.list.head(turns.list.len() - after).alias("prompt")
    )
