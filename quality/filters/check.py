"""What a filter is: a measurement, a verdict and the evidence for it, as expressions."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import polars as pl
from pydantic import Field

from schemas.errors import InputError

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Codes: TypeAlias = Annotated[list[str], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule, ready to run on a frame.

    Attributes:
        measured: Float64, the number recorded as the decision's value; null if abstained.
        keep: Boolean; True keeps the row, False drops it, null abstains.
        threshold: the bound that `measured` was held against; null where the rule has none.
        evidence: String, the offending piece or a short reason; may be null.
        scorers: score columns that the expressions read; the engine sees to it that they exist.
    """

    measured: pl.Expr
    keep: pl.Expr
    threshold: float | None = None
    evidence: pl.Expr
    scorers: tuple[str, ...] = ()


def check_at_most(
    score: str, value: float, evidence: pl.Expr, *, applies: pl.Expr | None = None
) -> Check:
    """Keep rows whose `score` is at most `value`.

    Args:
        score: name of the scorer whose column is read.
        value: inclusive upper bound.
        evidence: String expression shown for dropped rows.
        applies: Boolean expression; rows where it is False are kept and not measured. Left out,
            a null score is an abstention.
    """
    measured = pl.col(score)
    keep = measured <= value
    if applies is not None:
        keep = pl.when(applies).then(keep).otherwise(statement=True)
    return Check(measured=measured, keep=keep, threshold=value, evidence=evidence, scorers=(score,))


def check_at_least(score: str, value: float, evidence: pl.Expr) -> Check:
    """Keep rows whose `score` is at least `value`, or which the score does not apply to (null).

    Args:
        score: name of the scorer whose column is read.
        value: inclusive lower bound.
        evidence: String expression shown for dropped rows.
    """
    measured = pl.col(score)
    return Check(
        measured=measured,
        keep=(measured >= value).fill_null(value=True),
        threshold=value,
        evidence=evidence,
        scorers=(score,),
    )


def check_flag(score: str, evidence: pl.Expr, *, value: float = 1.0) -> Check:
    """Drop rows whose `score` reaches `value`; a null score abstains."""
    measured = pl.col(score)
    return Check(
        measured=measured,
        keep=measured < value,
        threshold=value,
        evidence=evidence,
        scorers=(score,),
    )


def require_column(column: str, *allowed: str) -> None:
    """Refuse a column the rule cannot read.

    Raises:
        InputError: if `column` is not one of `allowed`.
    """
    if column not in allowed:
        msg = f"column: expected {' or '.join(repr(name) for name in allowed)}, got {column!r}"
        raise InputError(msg)
