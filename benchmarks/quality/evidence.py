"""Measure every scorer and rule for the evidence table of cards.

    python -m benchmarks.quality.evidence --labels ../shared/data

Writes flows/publishers/evidence.json.
"""

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.quality.figures import Floats, auc_of, bounds, mean_of
from benchmarks.quality.labels import Labels, random_scores, read_labels
from quality.filters import FILTERS
from quality.filters.engine import apply_filters
from quality.scorers import SCORERS, add_scores

TARGET = Path(__file__).resolve().parents[2] / "flows/publishers/evidence.json"
#: Scores of which more is better; of the others, which find defects, less is.
HIGHER_IS_BETTER = frozenset(
    {
        *("length", "output_words", "instruction_words", "lexical_diversity"),
        *("craft", "quality", "language_match", "alphabetic_words"),
    }
)


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    found = measure(read_labels(parser.parse_args().labels))
    TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(found['scorers'])} scorers, {len(found['rules'])} rules")


def measure(labels: Labels) -> dict[str, Any]:
    """Return the figures of all scorers and rules."""
    frames = [add_scores(rows, list(SCORERS)) for rows in _frames(labels)]
    numeric = [name for name in SCORERS if frames[0][name].dtype.is_numeric()]
    scorers = {
        name: {
            "better": "higher" if name in HIGHER_IS_BETTER else "lower",
            **_figures(
                [_values(frame, name) for frame in frames],
                labels.discarded,
                sign=1 if name in HIGHER_IS_BETTER else -1,
            ),
        }
        for name in numeric
    }
    random = [random_scores(frame) for frame in frames]
    return {
        "measured": dt.datetime.now(dt.UTC).date().isoformat(),
        "sets": {
            "pairs": {"n": labels.raw.height},
            "discards": {"n": len(labels.discarded), "positive": int(labels.discarded.sum())},
        },
        "baselines": {
            "random": {"better": "–", **_figures(random, labels.discarded)},
            "length": {**scorers["output_words"]},
        },
        "scorers": scorers,
        "rules": _rules(frames[2], labels.discarded),
    }


def _frames(labels: Labels) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return labels.revised, labels.raw, labels.labelled


def _values(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _figures(
    scores: list[Floats], discarded: "np.ndarray[Any, np.dtype[np.bool_]]", *, sign: int = 1
) -> dict[str, list[float]]:
    """A row on which a scorer abstains (NaN) is neither better nor worse than others."""
    revised, raw, labelled = (sign * values for values in scores)
    wins = 0.5 + 0.5 * (revised > raw) - 0.5 * (revised < raw)
    known = labelled[~np.isnan(labelled)]
    filled = np.nan_to_num(labelled, nan=float(np.median(known)) if known.size else 0.0)
    return {
        "pairs": bounds(mean_of(wins), len(wins)),
        "discards": bounds(auc_of(-filled, discarded), len(filled)),
    }


def _rules(rows: pl.DataFrame, discarded: "np.ndarray[Any, np.dtype[np.bool_]]") -> dict[str, Any]:
    found = {}
    for rule in FILTERS:
        dropped = apply_filters(rows, [{"rule": rule}]).dropped["id"]
        hit = rows["id"].is_in(dropped.implode()).to_numpy()
        found[rule] = {
            "dropped": int(hit.sum()),
            "right": int((hit & discarded).sum()),
            "false_positive_rate": round(float(hit[~discarded].mean()), 5),
        }
    return found


if __name__ == "__main__":
    main()
