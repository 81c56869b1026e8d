"""Measure the scorers that need a model, on labels that nobody on this project wrote.

    python -m benchmarks.quality.model_scorers --labels ../shared/data --home /tmp/scores

Prints Markdown. Every figure stands beside plain length and a random score, with a 95 % bootstrap
interval over the labelled items (1,000 resamples, fixed seed), and once more with length held
still. Nothing is fitted. `--home` remembers what the language model has read: a second run takes
two minutes of CPU instead of twenty.
"""

import argparse
import datetime as dt
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from benchmarks.quality.figures import (
    Flags,
    Floats,
    Places,
    auc_of,
    auc_within,
    held_still,
    interval,
    mean_of,
    table,
)
from benchmarks.quality.labels import Labels, read_labels
from flows.model_scorers import MODEL_SCORERS, Models, add_model_scores

_SEED = 0
_PAIRS, _DISCARDS, _CHERRIES, _TIMED = 180, 400, 150, 40
_OF_LANGUAGE = ("perplexity", "ifd", "ifd_residual")
_OF_NEIGHBOURS = ("density", "outlierness")
_BINS = 10
_LENGTH = "length, characters"
#: Even rows of these spans are those for which the authors of `cherry_5pct` published a choice.
_CHERRY_SPANS = ((16_400, 18_000), (18_200, 19_600), (26_200, 52_000))

Scores = Mapping[str, Floats]


class Task(NamedTuple):
    """Rows of Alpaca, some of them marked.

    Attributes:
        places: row numbers.
        marked: which are.
    """

    places: Places
    marked: Flags


def main() -> None:
    """Score samples and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    parser.add_argument("--home", type=Path, help="folder for what was read; else a temporary one")
    options = parser.parse_args()
    labels = read_labels(options.labels)
    with tempfile.TemporaryDirectory() as temporary:
        models = Models(options.home or Path(temporary))
        print(f"# Scorers that need a model, on public labels\n\n{_describe_run()}\n")
        for section in (report_neighbours, report_language, report_pairs):
            print(section(labels, models), end="\n\n", flush=True)
        print(report_speed(labels, Models(Path(temporary) / "fresh")))


def _describe_run() -> str:
    date = dt.datetime.now(dt.UTC).date().isoformat()
    return (
        f"{date}, {os.cpu_count()} cores. Written by `python -m benchmarks.quality.model_scorers "
        "--labels ../shared/data`. Language model: SmolLM2-135M-Instruct, 4 bits, dequantised. "
        "Intervals: 95 % bootstrap over items. No weight was learned. CPU "
        "seconds were taken on a busy machine."
    )


def report_neighbours(labels: Labels, models: Models) -> str:
    """AUC of the scorers of neighbours, on all labelled rows of Alpaca."""
    tasks = {"discarded": _discards(labels), "Cherry": _cherries(labels)}
    everything = np.arange(labels.alpaca.height)
    lines = _auc_lines(labels.alpaca, everything, tasks, _OF_NEIGHBOURS, models)
    counts = [f"{task.marked.sum():,} of {len(task.places):,}" for task in tasks.values()]
    return (
        "## AUC on Alpaca: neighbours among all 52,002 rows\n\n"
        f"High score = discarded by the editors of the cleaned Alpaca ({counts[0]} rows; of length:"
        " low score), and high score = in the 5 % that Cherry chose by IFD with LLaMA-7B "
        f"({counts[1]} rows). 'Still': within tenths of length. 'Length': Spearman with the "
        f"characters of the answer.\n\n{_auc_table(lines)}"
    )


def report_language(labels: Labels, models: Models) -> str:
    """AUC of the scorers of the language model, on a sample of the same rows."""
    tasks = {
        "discarded": _draw(_discards(labels), _DISCARDS),
        "Cherry": _draw(_cherries(labels), _CHERRIES),
    }
    sample = np.unique(np.concatenate([task.places for task in tasks.values()]))
    rows = labels.alpaca[sample]
    lines = _auc_lines(rows, sample, tasks, _OF_LANGUAGE, models)
    return (
        "## AUC on Alpaca: the language model, on a sample\n\n"
        f"As above, on {_DISCARDS} and {_CHERRIES} rows drawn at random so that half of them are "
        f"marked; `ifd_residual` within these {len(sample)} rows.\n\n{_auc_table(lines)}\n\n"
        + _describe_drop_rule(rows, sample, tasks["discarded"], models)
    )


def _auc_lines(
    rows: pl.DataFrame,
    places: Places,
    tasks: Mapping[str, Task],
    names: tuple[str, ...],
    models: Models,
) -> list[list[str]]:
    """Score `rows`, which are at `places` of Alpaca, and return a line per score."""
    scores = _baselines(rows) | _arrays(rows, names, models)
    lengths = scores[_LENGTH]
    lines = []
    for name, values in scores.items():
        line = [_shown(name)]
        for kind, task in tasks.items():
            at = np.searchsorted(places, task.places)
            # Short answers are what editors discard.
            sign = -1 if (kind, name) == ("discarded", _LENGTH) else 1
            known = np.isfinite(values[at])
            here, marked = sign * values[at][known], task.marked[known]
            still = held_still(auc_within(here, marked), lengths[at][known], bins=_BINS)
            line += [interval(auc_of(here, marked), len(here)), interval(still, len(here))]
        lines.append([*line, f"{_spearman(values, lengths):+.2f}"])
    return lines


def _auc_table(lines: list[list[str]]) -> str:
    return table(["score", "discarded", "still", "Cherry", "still", "length"], lines)


def _describe_drop_rule(rows: pl.DataFrame, places: Places, task: Task, models: Models) -> str:
    ifd = _arrays(rows, ("ifd",), models)["ifd"][np.searchsorted(places, task.places)]
    bad, good = (f"{100 * (ifd[task.marked == flag] >= 1).mean():.1f} %" for flag in (True, False))
    return f"IFD of 1 or more, which the papers drop: {bad} of discarded rows, {good} of kept ones."


def _draw(task: Task, size: int) -> Task:
    """Draw rows, half of them marked."""
    generator = np.random.default_rng(_SEED)
    halves = [
        generator.choice(task.places[task.marked == flag], size // 2, replace=False)
        for flag in (True, False)
    ]
    return Task(np.concatenate(halves), np.repeat([True, False], size // 2))


def _discards(labels: Labels) -> Task:
    # `labelled` keeps the row number of Alpaca as its id.
    return Task(labels.labelled["id"].cast(pl.Int64).to_numpy(), labels.discarded)


def _cherries(labels: Labels) -> Task:
    even = np.arange(0, labels.alpaca.height, 2)
    known = even[np.any([(even >= low) & (even < high) for low, high in _CHERRY_SPANS], axis=0)]
    return Task(known, np.isin(known, labels.selections["cherry_5pct"]))


def report_pairs(labels: Labels, models: Models) -> str:
    """Expert revision against raw answer: which has the higher score?"""
    generator = np.random.default_rng(_SEED)
    at = np.sort(generator.choice(labels.raw.height, _PAIRS, replace=False))
    rows = pl.concat([labels.revised[at], labels.raw[at]])
    scores = _baselines(rows) | _arrays(rows, _OF_LANGUAGE, models)
    is_longer = np.diff(-scores[_LENGTH].reshape(2, -1), axis=0)[0] > 0
    lines = []
    for name, values in scores.items():
        revised, raw = (-1 if name == "perplexity" else 1) * values.reshape(2, -1)
        known = np.isfinite(revised) & np.isfinite(raw)
        wins = ((revised > raw) + 0.5 * (revised == raw))[known]
        sides = [wins[is_longer[known] == flag] for flag in (True, False)]
        both = [f"{side.mean():.3f}" for side in sides]
        even = f"{np.mean([side.mean() for side in sides]):.3f}"
        lines.append([_shown(name), interval(mean_of(wins), len(wins)), *both, even])
    return (
        f"## Pairwise accuracy, {_PAIRS} expert revisions drawn at random\n\n"
        "Higher score = the revised answer (of perplexity: lower). Then on the "
        f"{int(is_longer.sum())} pairs whose revised answer is the longer one, on the "
        f"{int((~is_longer).sum())} others, and the mean of both, which is one half for length. "
        "Both answers pose one task, so `density` and `outlierness` cannot tell.\n\n"
        + table(["score", "accuracy", "longer", "not longer", "mean of both"], lines)
    )


def report_speed(labels: Labels, models: Models) -> str:
    """CPU seconds of each group of scorers, on rows that it has not seen."""
    some = labels.alpaca.sample(_TIMED, seed=_SEED)
    _ = models.language_model, models.static
    lines = []
    for name, rows in (("perplexity", some), ("ifd", some), ("density", labels.alpaca)):
        start, wall = time.process_time(), time.perf_counter()
        add_model_scores(rows, [name], models)
        seconds, waited = time.process_time() - start, time.perf_counter() - wall
        lines.append([
            _shown(name), f"{rows.height:,}", f"{seconds:.1f}", f"{waited:.1f}",
            f"{rows.height / seconds:,.1f}",
        ])  # fmt: skip
    tokens = sum(
        float(read.tokens.sum())
        for read in (models.read_answers(some), models.read_answers_alone(some))
    )
    return (
        "## Speed\n\nModels loaded before. `ifd` comes after `perplexity` and reads the answers "
        f"alone; together they scored {tokens:,.0f} tokens of answers. `outlierness` and "
        "`ifd_residual` cost nothing beside `density` and `ifd`.\n\n"
        + table(["scorer", "rows", "CPU s", "wall s", "rows per CPU second"], lines)
    )


def _baselines(rows: pl.DataFrame) -> dict[str, Floats]:
    return {
        _LENGTH: rows["output"].str.len_chars().cast(pl.Float64).to_numpy(),
        "random": np.random.default_rng(_SEED).random(rows.height),
    }


def _arrays(rows: pl.DataFrame, names: tuple[str, ...], models: Models) -> dict[str, Floats]:
    scored = add_model_scores(rows, names, models)
    return {name: scored[name].fill_null(float("nan")).to_numpy() for name in names}


def _spearman(left: Floats, right: Floats) -> float:
    frame = pl.DataFrame({"left": left, "right": right}).filter(pl.col("left").is_not_nan())
    return float(frame.select(pl.corr("left", "right", method="spearman")).item())


def _shown(name: str) -> str:
    return f"`{name}`" if name in MODEL_SCORERS else name


if __name__ == "__main__":
    main()
