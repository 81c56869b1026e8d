"""`filters: auto`: the rules and thresholds that labelled rows vouch for."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.filters import DEFAULT_FILTERS
from quality.tuning.crossfit import assign_parts
from quality.tuning.intervals import Rate, estimate_rate
from quality.tuning.marks import find_bad
from quality.tuning.proposal import Proposal, describe_damage, describe_trial, explain_none
from quality.tuning.rules import Entry, Flags, add_missing_scores, find_dropped
from quality.tuning.trials import Trial, try_rules

#: Rules against damage that nobody wants in a dataset, whatever the labels are about.
DAMAGE: Final = frozenset(
    {"empty_instruction", "empty_output", "placeholder_output", "merged_instructions"}
    | {"leaked_prompt", "secrets", "unclosed_code", "unfinished", "max_repetition"}
)
#: Columns that rate a row as a whole, higher is better: a lower bound of each is tried. Not the
#: student's: it may have learned from these very labels, and would look better than it is.
_RATED: Final = ("quality", "judge")
_TARGET: Final = " target"


def propose_filters(
    scored: pl.DataFrame,
    target: npt.NDArray[np.float64],
    *,
    min_precision: float,
    base: Sequence[Entry] = DEFAULT_FILTERS,
) -> Proposal:
    """Propose the filters of a recipe from labelled rows.

    Rules against damage stay as they are. Every other rule of `base`, and a lower bound of
    `quality` and `judge` where `scored` has them, must show on rows that it was not chosen on that
    the share of bad rows among those it drops is at least `min_precision`, and more than a random
    pick has. What counts is the lower end of an exact interval that holds for all
    rules and thresholds tried at once, so a rule that drops few labelled rows is left out however
    well it does. Asking for more precision never drops more rows.

    Args:
        scored: labelled rows with the columns of ROWS; scores that rules read are computed where
            they are missing. Rows with one id count once, with the mean of their targets.
        target: Float64 of shape (rows,) in 0..1; below 0.5 is bad. Not for preference pairs: the
            worse of two answers can be a good one.
        min_precision: wanted share of bad rows among those that each tuned filter drops.
        base: filters to start from.

    Returns:
        The proposal; with too few labels it holds the rules against damage only, and says why.

    Source:
        Angelopoulos et al. 2021 (Learn then Test), https://arxiv.org/abs/2110.01052. Differs:
        Clopper-Pearson bounds, shared out over the rules and then over the thresholds of a rule;
        thresholds are chosen and judged by five-fold cross-fitting.
    """
    rows, bad = _settle(add_missing_scores(scored, base), target)
    rated = [_bound(name) for name in _RATED if name in rows.columns]
    entries = dict(enumerate([*base, *rated]))
    damage = {place: entry for place, entry in entries.items() if entry["rule"] in DAMAGE}
    rest = {place: entry for place, entry in entries.items() if place not in damage}
    hits = find_dropped(rows, list(damage.values()))
    is_open = np.logical_not(hits.any(axis=0))
    open_rows, open_bad = rows.filter(is_open), bad[is_open]
    floor = max(min_precision, float(open_bad.mean()) if len(open_bad) else 0.0)
    trials = dict(
        zip(
            rest,
            try_rules(open_rows, list(rest.values()), open_bad, assign_parts(open_rows)),
            strict=True,
        )
    )
    passing = {place: trial for place, trial in trials.items() if trial.passing(floor) is not None}
    stays = zip(damage.items(), hits, strict=True)
    evidence = {place: describe_damage(entry, dropped, bad) for (place, entry), dropped in stays}
    evidence |= {place: describe_trial(trial, floor, bad) for place, trial in passing.items()}
    left_out = tuple(
        describe_trial(trial, floor, bad) for place, trial in trials.items() if place not in passing
    )
    ordered = tuple(evidence[place] for place in sorted(evidence))
    return Proposal(
        filters=tuple(found.filter for found in ordered),
        evidence=ordered,
        left_out=left_out,
        together=_rate_together(passing.values(), floor, open_bad),
        rows=len(bad),
        bad=int(bad.sum()),
        min_precision=min_precision,
        message=None if passing else explain_none(left_out, open_bad, min_precision),
    )


def _settle(scored: pl.DataFrame, target: npt.NDArray[np.float64]) -> tuple[pl.DataFrame, Flags]:
    """Return each content once, in the order of the ids, and which of them are bad."""
    mean = pl.col(_TARGET).mean().over("id")
    judged = scored.with_columns(pl.Series(_TARGET, target, dtype=pl.Float64)).with_columns(mean)
    once = judged.unique("id", keep="first", maintain_order=True).sort("id")
    return once.drop(_TARGET), find_bad(once[_TARGET].to_numpy())


def _bound(column: str) -> dict[str, Any]:
    return {"rule": "min_quality" if column == "quality" else "min_score", "column": column}


def _rate_together(trials: Iterable[Trial], floor: float, bad: Flags) -> Rate:
    """Return the precision of all thresholds that passed, on rows they were not chosen on."""
    dropped = np.zeros(len(bad), dtype=np.bool_)
    for trial in trials:
        judged = trial.passing(floor)
        if judged is not None:
            dropped |= judged.dropped
    return estimate_rate(int((dropped & bad).sum()), int(dropped.sum()))
