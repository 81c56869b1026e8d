"""What the charts of the report draw: the funnel, and distributions of scores with thresholds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from quality.filters import FILTERS
from schemas.errors import InputError
from schemas.frames import ROWS

#: Drawn first, in this order.
FIRST_SCORES: Final = ("quality", "judge", "student", "output_words")

_BINS = 40
_SHARES: Final = frozenset({"quality"})
_PLACE = ("row", "tokens")


class Threshold(NamedTuple):
    """A rule and the bound that it holds a score against."""

    rule: str
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distribution of a score.

    Attributes:
        name: of the column.
        edges: bounds of the bins, in the score's own unit; the last bin holds all above it too.
        kept: share of the kept rows with a score in each bin.
        out: the same of the other rows.
        kept_median: null where no kept row has the score.
        out_median: the same of the other rows.
        abstained: kept rows without the score, not drawn.
        thresholds: bounds of the rules that read it.
    """

    name: str
    edges: tuple[float, ...]
    kept: tuple[float, ...]
    out: tuple[float, ...]
    kept_median: float | None
    out_median: float | None
    abstained: int
    thresholds: tuple[Threshold, ...]

    def carry(self) -> dict[str, Any]:
        """Return what the page's script draws."""
        return {
            "name": self.name,
            "edges": [float(f"{edge:.6g}") for edge in self.edges],
            "kept": list(self.kept),
            "out": list(self.out),
            "thresholds": [list(line) for line in self.thresholds],
        }


def format_number(value: float | None) -> str:
    """Return a number for people; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def score_names(*frames: pl.DataFrame) -> list[str]:
    """Return the score columns of frames, those that matter most first."""
    found = {
        name
        for frame in frames
        for name, dtype in frame.schema.items()
        if dtype.is_numeric() and name not in ROWS and name not in _PLACE
    }
    return [name for name in FIRST_SCORES if name in found] + sorted(found - {*FIRST_SCORES})


def make_histograms(
    rows: pl.DataFrame, rejects: pl.DataFrame, stages: Iterable[Mapping[str, Any]]
) -> list[Histogram]:
    """Compare every score of the kept rows with that of the others.

    Args:
        rows: the published rows.
        rejects: the others.
        stages: `by_stage` of the manifest, whose notes name the rules.

    Returns:
        One a score that any row has.
    """
    bounds = find_thresholds(stages)
    found = (
        make_histogram(name, rows, rejects, bounds.get(name, ()))
        for name in score_names(rows, rejects)
    )
    return [histogram for histogram in found if histogram is not None]


def make_histogram(
    name: str, rows: pl.DataFrame, rejects: pl.DataFrame, thresholds: Sequence[Threshold] = ()
) -> Histogram | None:
    """Compare a score of the kept rows with that of the others; null where nothing has it."""
    kept, abstained = _scores(name, rows)
    out, _ = _scores(name, rejects)
    every = pl.concat([kept, out])
    if every.is_empty():
        return None
    bounds = [line.value for line in thresholds]
    low = min(0.0, _quantile(every, 0.01) or 0.0, *bounds)
    high = max(1.0, _quantile(every, 0.99) or 0.0, *bounds) if name not in _SHARES else 1.0
    width = (high - low) / _BINS
    return Histogram(
        name=name,
        edges=tuple(low + place * width for place in range(_BINS + 1)),
        kept=_shares(kept, low, high),
        out=_shares(out, low, high),
        kept_median=_quantile(kept, 0.5),
        out_median=_quantile(out, 0.5),
        abstained=abstained,
        thresholds=tuple(thresholds),
    )


def find_thresholds(stages: Iterable[Mapping[str, Any]]) -> dict[str, list[Threshold]]:
    """Return score column to the rules that hold it against a bound.

    A rule that this feingold does not know, or no longer with these options, has no line.
    """
    found: dict[str, list[Threshold]] = {}
    for stage in stages:
        for entry in (stage.get("notes") or {}).get("rules") or ():
            for column, line in _bounds(entry):
                found.setdefault(column, []).append(line)
    return found


def _bounds(entry: Mapping[str, Any]) -> Iterable[tuple[str, Threshold]]:
    """Yield the columns that a rule reads, each with its bound."""
    name = str(entry.get("rule"))
    options = {key: entry[key] for key in ("column", "value") if entry.get(key) is not None}
    if name not in FILTERS:
        return
    try:
        check = FILTERS[name](**options)
    except (InputError, TypeError):
        return
    if check.threshold is None:
        return
    columns = check.scorers or ((str(options["column"]),) if "column" in options else ())
    if len(columns) == 1:
        yield columns[0], Threshold(name, check.threshold)


def funnel_bars(
    stages: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return one entry a stage: rows kept, and what each rule took, the most first.

    Args:
        stages: `by_stage` of the manifest.
        rules: lines of `count_rules`.

    Returns:
        Mappings with `stage`, `kept` and `taken`, a list of [number of the rule, rows].
    """
    # Two stages may share a name (the student before and after it asked back): the first that took
    # rows gets the rules, since decisions name the stage only.
    taken: dict[str, list[list[int]]] = {}
    for number, rule in enumerate(rules):
        if rule["count"]:
            taken.setdefault(rule["stage"], []).append([number, rule["count"]])
    bars = []
    for stage in stages:
        out = stage["dropped"] + stage["quarantined"]
        mine = taken.pop(stage["stage"], []) if out else []
        bars.append({"stage": stage["stage"], "kept": stage["kept"], "taken": mine})
    return bars


def _scores(name: str, frame: pl.DataFrame) -> tuple[pl.Series, int]:
    """The finite scores of a frame and the number of rows without one."""
    if name not in frame.columns:
        return pl.Series(name, [], dtype=pl.Float64), 0
    scores = frame[name].cast(pl.Float64)
    found = scores.filter(scores.is_finite().fill_null(value=False))
    return found, frame.height - found.len()


def _quantile(scores: pl.Series, share: float) -> float | None:
    return scores.quantile(share, interpolation="linear")


def _shares(scores: pl.Series, low: float, high: float) -> tuple[float, ...]:
    """The share of scores in each bin; what lies outside counts for the first or last one."""
    places = ((scores - low) / (high - low) * _BINS).floor().clip(0, _BINS - 1).cast(pl.Int64)
    counts = dict(places.value_counts().iter_rows())
    return tuple(round(counts.get(place, 0) / max(1, scores.len()), 6) for place in range(_BINS))
