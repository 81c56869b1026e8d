"""What labelled rows say of filters, in figures and in one line."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from quality.tuning.intervals import Rate, estimate_rate
from quality.tuning.rules import Entry, Flags, threshold_of
from quality.tuning.trials import Trial


@dataclass(frozen=True, slots=True)
class FilterEvidence:
    """A filter and what labelled rows say of it.

    Attributes:
        filter: entry of a recipe.
        threshold: its bound; null where it has none.
        dropped: labelled rows that it drops.
        held_out: share of bad rows among those it drops, on rows it was not chosen on.
        expected: the same, pulled towards what was asked for: of the filters that pass, many were
            lucky. Null where it did not pass.
        low: precision that the filter exceeds; in 19 of 20 cases that holds for all filters that
            were tried at once. Null for rules against damage, which stay on untried.
        recall: share of the bad rows that it drops, on rows it was not chosen on; null where no
            row is bad.
        false_positive_rate: share of the good rows that it drops, likewise.
        needed: rows that it would have to drop, all of them bad, for `low` to reach what was asked
            for; null for rules against damage.
    """

    filter: dict[str, Any]
    threshold: float | None
    dropped: int
    held_out: Rate
    expected: float | None
    low: float | None
    recall: float | None
    false_positive_rate: float | None
    needed: int | None

    @property
    def is_damage(self) -> bool:
        """Whether it stays on whatever the labels say."""
        return self.low is None

    @property
    def is_untold(self) -> bool:
        """Whether it dropped too few labelled rows to tell."""
        return self.needed is not None and self.held_out.of < self.needed

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            **asdict(self),
            "held_out": self.held_out.as_dict(),
            "is_damage": self.is_damage,
            "is_untold": self.is_untold,
        }


@dataclass(frozen=True, slots=True)
class Proposal:
    """The filters that labelled rows vouch for.

    Attributes:
        filters: entries of a recipe, in the order of the base, bounds of scores behind.
        evidence: what is known of each of them, in the same order.
        left_out: what the labels do not vouch for, at the threshold that came nearest: too few
            labelled rows to tell (`is_untold`), or too many good ones among them.
        together: share of bad rows among those that all tuned filters drop, on rows that they were
            not chosen on.
        rows: labelled rows, each content once.
        bad: how many of them are bad.
        min_precision: what was asked for.
        message: why nothing was tuned; null where something was.
    """

    filters: tuple[dict[str, Any], ...]
    evidence: tuple[FilterEvidence, ...]
    left_out: tuple[FilterEvidence, ...]
    together: Rate
    rows: int
    bad: int
    min_precision: float
    message: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "filters": list(self.filters),
            "evidence": [found.as_dict() for found in self.evidence],
            "left_out": [found.as_dict() for found in self.left_out],
            "together": self.together.as_dict(),
            "rows": self.rows,
            "bad": self.bad,
            "min_precision": self.min_precision,
            "message": self.message,
        }


def describe_trial(trial: Trial, floor: float, bad: Flags) -> FilterEvidence:
    """Say what is known of the threshold that passed, or else of the one that came nearest.

    Args:
        trial: a rule at several thresholds.
        floor: precision that a bound must reach.
        bad: which of the labelled rows are bad.
    """
    passing = trial.passing(floor)
    judged = passing or trial.nearest()
    needed = trial.needed(floor)
    if judged is None:
        nothing = _describe(trial.candidates[0], 0, estimate_rate(0, 0), bad)
        return replace(nothing, low=0.0, needed=needed)
    rate = estimate_rate(judged.bad, int(judged.dropped.sum()))
    dropped = int(trial.hits[judged.place].sum())
    found = _describe(trial.candidates[judged.place], dropped, rate, bad)
    expected = None if passing is None else expect(rate, floor, needed)
    return replace(found, expected=expected, low=judged.low, needed=needed)


def expect(rate: Rate, floor: float, weight: int) -> float:
    """Return a share pulled towards `floor`, as if `weight` more rows just had it.

    Args:
        rate: what was counted; it passed because it is above `floor`, which the lucky do more
            often than the others.
        floor: what had to be passed.
        weight: rows; those that it takes to pass at all.

    Example:
        >>> round(expect(estimate_rate(13, 16), 0.5, 6), 3)
        0.727
    """
    return (rate.found + floor * weight) / (rate.of + weight)


def describe_damage(entry: Entry, dropped: Flags, bad: Flags) -> FilterEvidence:
    """Say what a rule against damage does to labelled rows.

    Args:
        entry: filter of a recipe.
        dropped: which of the labelled rows it drops.
        bad: which of them are bad.
    """
    rate = estimate_rate(int((dropped & bad).sum()), int(dropped.sum()))
    return _describe(entry, rate.of, rate, bad)


def explain_none(left_out: Sequence[FilterEvidence], bad: Flags, min_precision: float) -> str:
    """Say why no threshold was found, and what would help.

    Args:
        left_out: what was tried.
        bad: which of the labelled rows are bad.
        min_precision: what was asked for.
    """
    needed = min((found.needed for found in left_out if found.needed is not None), default=0)
    n_bad, n_rows = int(bad.sum()), len(bad)
    if n_bad < needed:
        more = math.ceil(needed * n_rows / n_bad) if n_bad else None
        rows = "" if more is None else f", which is at least {more:,} labelled rows like these"
        return (
            f"too few labels for a precision of {min_precision:g}: it takes {needed:,} bad rows "
            f"that one rule drops{rows}; there are {n_bad:,} bad ones among {n_rows:,}: label more "
            "or ask for less"
        )
    best = max(left_out, key=lambda found: found.low or 0.0)
    return (
        f"no rule shows a precision of {min_precision:g} on these labels: the nearest is "
        f"{best.filter['rule']}, with {best.held_out.found:,} bad rows among the "
        f"{best.held_out.of:,} it drops, which proves {best.low or 0.0:.2f}: label more or ask "
        "for less"
    )


def _describe(entry: Entry, dropped: int, rate: Rate, bad: Flags) -> FilterEvidence:
    n_bad = int(bad.sum())
    n_good = len(bad) - n_bad
    return FilterEvidence(
        filter=dict(entry),
        threshold=threshold_of(entry),
        dropped=dropped,
        held_out=rate,
        expected=None,
        low=None,
        recall=rate.found / n_bad if n_bad else None,
        false_positive_rate=(rate.of - rate.found) / n_good if n_good else None,
        needed=None,
    )
