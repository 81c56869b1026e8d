"""The arithmetic of training on a dataset: how many tokens it has, and what that means."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from flows.ingest import HUB_PREFIX
from flows.select.tokens import count_tokens
from flows.session import Session
from flows.sources import read_sources
from quality.training_arithmetic import MOST_EPOCHS, Training, plan_training
from schemas.recipe import TrainingOptions


class Counted(NamedTuple):
    """Tokens of a dataset.

    Attributes:
        tokens: null where they cannot be known.
        basis: what the figure rests on, in words.
    """

    tokens: float | None
    basis: str


def quoted_tokens(session: Session, quoted: int) -> Counted:
    """Say how many tokens a run is expected to publish; asks nobody.

    Args:
        session: of the recipe.
        quoted: tokens of the answers that its generators are expected to make.

    Raises:
        InputError: if a source cannot be read.
    """
    sources = session.recipe.sources
    if any(source.path.startswith(HUB_PREFIX) for source in sources):
        return Counted(
            None, "tokens of a source on the Hub are not counted before a run: --unique-tokens"
        )
    if not sources:
        return Counted(quoted or None, "tokens of the answers that are quoted above")
    rows = read_sources(session).compute().rows
    made = " and of the answers that are quoted above" if quoted else ""
    return Counted(
        (_sum_tokens(rows) + quoted) or None,
        f"tokens of {rows.height:,} source rows{made}, before duplicates and rules: at most",
    )


def published_tokens(rows: pl.DataFrame) -> Counted:
    """Count the tokens of rows that are published."""
    return Counted(_sum_tokens(rows) or None, "tokens of these rows, as the embedded encoder cuts")


def _sum_tokens(rows: pl.DataFrame) -> int:
    return int(count_tokens(rows).sum())


def do_sums(options: TrainingOptions, counted: Counted) -> dict[str, Any]:
    """Return the arithmetic as JSON.

    Args:
        options: the model and its hardware; its `unique_tokens` come before the counted ones.
        counted: tokens of the dataset.

    Returns:
        The fields of `Training`, `unique_tokens_are` and `warning` (null where all is well).
    """
    is_named = options.unique_tokens is not None
    unique = options.unique_tokens if is_named else counted.tokens
    found = plan_training(
        options.parameters, unique_tokens=unique, flops_per_second=options.flops_per_second
    )
    basis = "tokens as you named them" if is_named else counted.basis
    return {**found._asdict(), "unique_tokens_are": basis, "warning": _warning(found)}


def _warning(found: Training) -> str | None:
    if not found.is_repeated_too_often or found.epochs is None or found.effective_tokens is None:
        return None
    worth = found.effective_tokens / found.tokens
    return (
        f"{found.epochs:,.1f} epochs: beyond {MOST_EPOCHS} a repeated token teaches ever less; "
        f"these are worth {found.effective_tokens:,.0f} new tokens ({worth:.2g} of their number)"
    )


def describe_sums(sums: Mapping[str, Any]) -> list[str]:
    """Return the arithmetic in words, a line each."""
    unique, hours = sums["unique_tokens"], sums["hours"]
    lines = [
        f"a model of {sums['parameters']:,.0f} parameters wants {sums['tokens']:,.0f} tokens "
        f"(20 each) and {sums['flops']:.3g} floating-point operations",
        "no epochs: " + str(sums["unique_tokens_are"])
        if unique is None
        else f"that is {sums['epochs']:,.1f} epochs over {unique:,.0f} {sums['unique_tokens_are']}",
    ]
    if sums["warning"]:
        lines.append("warning: " + str(sums["warning"]))
    if hours is not None:
        lines.append(f"{hours:,.3g} hours at the speed you named")
    lines.append(
        f"trained on so many new tokens of the Pile it would reach {sums['pile_loss']:.3f} nats a "
        "token (a fit for pre-training there; it says nothing about fine-tuning)"
    )
    return lines
