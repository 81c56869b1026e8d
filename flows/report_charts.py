"""Histograms of the report: shares of kept and other rows in each bin of a score."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

_BINS = 20


class Bar(NamedTuple):
    """One bin of a histogram: shares of the kept and of the other rows, 1.0 is the highest bar."""

    kept: float
    out: float
    caption: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distribution of a score; null scores are counted as abstained and not drawn."""

    name: str
    bars: tuple[Bar, ...]
    low: str
    high: str
    kept_median: str
    out_median: str
    abstained: int


def format_number(value: float | None) -> str:
    """Return a number for people; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def make_histogram(name: str, rows: pl.DataFrame, rejects: pl.DataFrame) -> Histogram | None:
    """Compare a score of the kept rows with that of the others; null where nothing has it."""
    kept, kept_abstained = _scores(name, rows)
    out, _ = _scores(name, rejects)
    every = pl.concat([kept, out])
    if every.is_empty():
        return None
    low, high = 0.0, max(1.0, _quantile(every, 0.99)) if name != "quality" else 1.0
    shares = [_shares(group, low, high) for group in (kept, out)]
    top = max(max(group) for group in shares)
    width = (high - low) / _BINS
    bars = [
        Bar(
            of_kept / top,
            of_out / top,
            f"{format_number(low + place * width)} to {format_number(low + (place + 1) * width)}: "
            f"{100 * of_kept:.1f} % of kept, {100 * of_out:.1f} % of the others",
        )
        for place, (of_kept, of_out) in enumerate(zip(*shares, strict=True))
    ]
    return Histogram(
        name=name.replace("_", " "),
        bars=tuple(bars),
        low=format_number(low),
        high=format_number(high) + (" and more" if _quantile(every, 1.0) > high else ""),
        kept_median=format_number(_quantile(kept, 0.5)),
        out_median=format_number(_quantile(out, 0.5)),
        abstained=kept_abstained,
    )


def _scores(name: str, frame: pl.DataFrame) -> tuple[pl.Series, int]:
    """The finite scores of a frame and the number of rows without one."""
    if name not in frame.columns:
        return pl.Series(name, [], dtype=pl.Float64), 0
    scores = frame[name].cast(pl.Float64)
    found = scores.filter(scores.is_finite().fill_null(value=False))
    return found, frame.height - found.len()


def _quantile(scores: pl.Series, share: float) -> float:
    found = scores.quantile(share, interpolation="linear")
    return math.nan if found is None else found


def _shares(scores: pl.Series, low: float, high: float) -> list[float]:
    """The share of scores in each bin; what lies outside counts for the first or last one."""
    places = ((scores - low) / (high - low) * _BINS).floor().clip(0, _BINS - 1).cast(pl.Int64)
    counts = dict(places.value_counts().iter_rows())
    return [counts.get(place, 0) / max(1, scores.len()) for place in range(_BINS)]
