"""Rules of a recipe at several thresholds: which rows each of them drops."""

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.filters import FILTERS
from quality.filters.check import Check
from quality.filters.engine import OnAbstain, validate_filters
from quality.scorers import SCORERS
from schemas.errors import InputError

Entry: TypeAlias = Mapping[str, Any]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Shares of the measured rows that thresholds by quantile drop.
_SHARES: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07),
    *(0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5),
)
#: A score with at most as many values is tried at each of them.
_FEW_VALUES: Final = 12


def check_of(entry: Entry) -> Check:
    """Return the check of a filter of a recipe.

    Args:
        entry: `rule` and, optionally, `column` and `value`, as `validate_filters` accepts them.
    """
    options = {name: entry[name] for name in ("column", "value") if entry.get(name) is not None}
    return FILTERS[entry["rule"]](**options)


def add_missing_scores(rows: pl.DataFrame, entries: Iterable[Entry]) -> pl.DataFrame:
    """Add the score columns that rules read and `rows` lacks.

    Args:
        rows: frame with the columns of ROWS.
        entries: filters of a recipe.
    """
    needed = dict.fromkeys(name for entry in entries for name in check_of(entry).scorers)
    for name in needed:
        if name not in rows.columns:
            rows = rows.with_columns(SCORERS[name](rows))
    return rows


def missing_columns(entry: Entry, columns: Iterable[str]) -> list[str]:
    """Return the columns that a rule reads and `columns` lacks, sorted."""
    check = check_of(entry)
    wanted = {*check.keep.meta.root_names(), *check.measured.meta.root_names()}
    return sorted(wanted - set(columns))


def judge_rows(rows: pl.DataFrame, entries: Sequence[Entry]) -> pl.DataFrame:
    """Return the verdict of every rule alone: True keeps, False drops, null abstains.

    Args:
        rows: frame with the columns that the rules read.
        entries: filters of a recipe.

    Returns:
        Boolean columns named by the place of the rule.
    """
    verdicts = [check_of(entry).keep.cast(pl.Boolean) for entry in entries]
    return rows.select(keep.alias(str(place)) for place, keep in enumerate(verdicts))


def find_dropped(
    rows: pl.DataFrame, entries: Sequence[Entry], *, on_abstain: OnAbstain = "keep"
) -> Flags:
    """Tell for every rule alone which rows it drops.

    Args:
        rows: frame with the columns that the rules read.
        entries: filters of a recipe.
        on_abstain: what happens to a row for which a rule cannot tell.

    Returns:
        Boolean of shape (len(entries), rows.height).

    Example:
        >>> rows = pl.DataFrame({"quality": [0.1, 0.6, None]})
        >>> find_dropped(rows, [{"rule": "min_quality", "value": 0.5}]).tolist()
        [[True, False, False]]
    """
    return dropped_by(judge_rows(rows, entries), rows.height, on_abstain=on_abstain)


def dropped_by(verdicts: pl.DataFrame, height: int, *, on_abstain: OnAbstain = "keep") -> Flags:
    """Tell which rows verdicts drop.

    Args:
        verdicts: of `judge_rows`.
        height: number of rows, which no verdicts do not tell.
        on_abstain: what happens to a row for which a rule cannot tell.

    Returns:
        Boolean of shape (number of rules, height).
    """
    if not verdicts.width:
        return np.zeros((0, height), dtype=np.bool_)
    return ~verdicts.select(pl.all().fill_null(on_abstain == "keep")).to_numpy().T


def measure(rows: pl.DataFrame, entry: Entry) -> pl.Series:
    """Return what a rule measures, Float64; null where it abstains or does not apply."""
    measured = check_of(entry).measured.cast(pl.Float64).fill_nan(None)
    return rows.select(measured.alias("measured")).to_series()


def drops_low(entry: Entry) -> bool:
    """Tell whether a rule drops what is below its threshold; the others drop what is above."""
    return str(entry["rule"]).startswith("min_")


def is_tunable(entry: Entry) -> bool:
    """Tell whether a rule has a number to tune."""
    return isinstance(_default_value(entry), int | float)


def threshold_of(entry: Entry) -> float | None:
    """Return the threshold of a rule, null where it has none."""
    return check_of(entry).threshold


def spell_out(entry: Entry) -> dict[str, Any]:
    """Return a rule with its threshold, where it has one and leaves it to the default.

    Example:
        >>> spell_out({"rule": "min_quality"}), spell_out({"rule": "needs_tools"})
        ({'rule': 'min_quality', 'value': 0.2}, {'rule': 'needs_tools'})
    """
    if entry.get("value") is not None or not is_tunable(entry):
        return dict(entry)
    return {**entry, "value": _default_value(entry)}


def entries_at(entry: Entry, values: Iterable[float]) -> list[dict[str, Any]]:
    """Return a rule at other thresholds, those left out that it cannot take.

    Args:
        entry: a tunable filter.
        values: thresholds; rounded where the rule counts.
    """
    counts = isinstance(_default_value(entry), int)
    numbers = dict.fromkeys(round(value) if counts else float(value) for value in values)
    return [{**entry, "value": number} for number in numbers if _takes(entry, number)]


def candidate_entries(
    rows: pl.DataFrame, entry: Entry, *, has_round: bool = False
) -> list[dict[str, Any]]:
    """Return a rule at the thresholds worth a look, from the strictest to the loosest.

    Few different values are all tried; of many, the quantiles at which round shares of the
    measured rows would be dropped. A rule without a threshold is its own only candidate.

    Args:
        rows: frame with the columns that the rule reads.
        entry: a filter of a recipe; its own threshold is a candidate too.
        has_round: whether round numbers between the quantiles are tried too.

    Example:
        >>> rows = pl.DataFrame({"refusal": [0.0, 0.5, 1.0], "output": ["", "", ""]})
        >>> found = candidate_entries(rows, {"rule": "refusal", "column": "output", "value": 0.5})
        >>> [one["value"] for one in found]
        [1.0, 0.5, 0.0]
    """
    if not is_tunable(entry):
        return [dict(entry)]
    is_low = drops_low(entry)
    found = measure(rows, entry).drop_nulls().sort(descending=not is_low)
    numbers = found.unique().to_list()
    if len(numbers) > _FEW_VALUES:
        places = {min(round(share * found.len()), found.len() - 1) for share in _SHARES}
        numbers = found.gather(sorted(places)).unique().to_list()
        numbers += _round_numbers(min(numbers), max(numbers)) if has_round else []
    # A table is read by people, who like round numbers; a proposal should be close.
    digits = 2 if has_round else 3
    numbers = [float(f"{number:.{digits}g}") for number in numbers]
    current = threshold_of(entry)
    if entry.get("value") is not None and current is not None:
        numbers.append(current)
    return entries_at(entry, sorted(set(numbers), reverse=not is_low))


def _round_numbers(low: float, high: float) -> list[float]:
    """Return five to ten numbers with few digits between two; none where these are the same."""
    if low == high:
        return []
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = max(factor * unit for factor in (1, 2, 5) if factor * unit <= rough * (1 + 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [count * step for count in range(first, last + 1)]


def _default_value(entry: Entry) -> object:
    parameter = inspect.signature(FILTERS[entry["rule"]]).parameters.get("value")
    return None if parameter is None else parameter.default


def _takes(entry: Entry, value: float) -> bool:
    try:
        validate_filters([{**entry, "value": value}], columns=[entry.get("column") or ""])
    except InputError:
        return False
    return True
