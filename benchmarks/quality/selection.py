"""Measure selections of raw Alpaca beside random ones of the same size.

    OMP_NUM_THREADS=1 python -m benchmarks.quality.selection --labels ../shared/data

Prints Markdown: what each method does to categories, diversity, length and score, how it agrees
with published selections, and what it costs. Rows are ranked by the default `quality`, which has
never seen the labels. Methods compare forecast vectors, as a run does; diversity is measured with
the full encoder's, which no method saw (made once, ten minutes, and kept).
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.dedup.data import CACHE
from benchmarks.dedup.results import describe_machine, machine
from benchmarks.dedup.semantic import full_vectors
from benchmarks.quality.figures import table
from benchmarks.quality.labels import to_rows
from flows.encoders import SentenceEncoder
from flows.select.vectors import encode_prompts
from quality.dedup.semantic import COLUMNS
from quality.dedup.shingles import join_columns
from quality.scorers import add_scores
from quality.select.categories import CATEGORIES, categorise
from quality.select.nearest import Vectors
from quality.select.rows import choose_rows
from quality.select.topics import find_topics
from quality.select.twins import make_twins
from schemas.recipe import SelectOptions

BUDGETS = (1_000, 9_000)
SEEDS = (0, 1, 2, 3, 4)
_T_95 = 2.776  # Student's t for five values
# Rows in which the list `cherry_5pct` is complete.
_CHERRY = ((16_400, 18_000), (18_200, 19_600), (26_200, 52_000))
METHODS: dict[str, dict[str, Any]] = {
    "best": {},
    "best, quotas": {"quotas": "keep"},
    "best, quotas by topic": {"quotas": "keep", "per": "topic"},
    "diverse 0.9": {"method": "diverse"},
    "diverse 0.7": {"method": "diverse", "max_similarity": 0.7},
    "diverse 0.6": {"method": "diverse", "max_similarity": 0.6},
    "diverse 0.6, quotas": {"method": "diverse", "max_similarity": 0.6, "quotas": "keep"},
    "k_center": {"method": "k_center"},
    "k_center, quotas": {"method": "k_center", "quotas": "keep"},
    "longest": {"by": "characters"},
}
Places: TypeAlias = NDArray[np.int64]
Figure: TypeAlias = Callable[[Places], float]


@dataclass(frozen=True, slots=True)
class Pool:
    """Alpaca with everything that a selection needs, and what it is measured by.

    Attributes:
        rows: with `quality`, `category`, `topic` and `characters` of the answer.
        forecast: vectors that the methods see.
        full: vectors of the full encoder.
        discarded: 1 where the editors of the cleaned Alpaca threw the row away, 0 where they did
            not, NaN where that is not known.
        published: list name to the rows that it chose.
    """

    rows: pl.DataFrame
    forecast: Vectors
    full: Vectors
    discarded: NDArray[np.float64]
    published: Mapping[str, list[int]]


def main() -> None:
    """Read the labels and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    pool = read_pool(parser.parse_args().labels / "alpaca")
    print(
        f"## Selection, {pool.rows.height:,} rows of raw Alpaca\n\n{describe_machine(machine())} "
    )
    print("`OMP_NUM_THREADS=1 python -m benchmarks.quality.selection --labels ../shared/data`\n")
    print(f"{describe_forecast(pool)}\n")
    for budget in BUDGETS:
        chosen = {name: select(pool, options, budget) for name, options in METHODS.items()}
        twins = draw_twins(pool, chosen["best"])
        print(report_categories(pool, chosen, twins["random"], budget), end="\n\n")
        print(report_figures(pool, chosen, twins, budget), end="\n\n")
        print(report_lift(pool, chosen, twins, budget), end="\n\n")
        print(report_losses(pool, chosen, budget), end="\n\n", flush=True)
    print(report_cost(pool), end="\n\n")


def read_pool(folder: Path) -> Pool:
    """Read Alpaca, score it and encode its prompts."""
    rows = to_rows(json.loads((folder / "alpaca_data.json").read_text()))
    rows = rows.with_columns(id=pl.col("id").str.zfill(6), source=pl.lit("alpaca"))
    rows = add_scores(rows, ("quality",)).with_columns(
        categorise(rows), characters=pl.col("output").str.len_chars()
    )
    encoder = SentenceEncoder()
    forecast = encode_prompts(rows, encoder, CACHE).vectors
    topics = find_topics(rows, forecast)
    discarded = np.full(rows.height, np.nan)
    for line in (folder / "discarded_labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        discarded[label["raw_index"]] = label["discarded"]
    return Pool(
        rows=rows.with_columns(topics.names.alias("topic")),
        forecast=forecast,
        full=full_vectors(encoder, join_columns(rows, COLUMNS).to_list()),
        discarded=discarded,
        published=json.loads((folder / "published_selections.json").read_text()),
    )


def describe_forecast(pool: Pool) -> str:
    """Say how far the vectors that the methods see agree with the full encoder's."""
    some = np.arange(0, pool.rows.height, 100)
    true, forecast = (vectors[some] @ vectors.T for vectors in (pool.full, pool.forecast))
    agreement = np.corrcoef(true.ravel(), forecast.ravel())[0, 1]
    near = forecast[np.abs(true - 0.8) < 0.02]
    low, high = np.quantile(near, [0.1, 0.9])
    return (
        f"Forecast cosines correlate with those of the full encoder by {agreement:.2f}; eight of "
        f"ten pairs at a true 0.8 are forecast {low:.2f} to {high:.2f}."
    )


def select(pool: Pool, options: Mapping[str, Any], budget: int) -> Places:
    """Return the rows that a method keeps."""
    wishes = SelectOptions.model_validate({"max_rows": budget, **options})
    found = choose_rows(pool.rows, wishes, targets={}, vectors=pool.forecast)
    return found.kept["id"].cast(pl.Int64).to_numpy()


def draw_twins(pool: Pool, chosen: Places, seeds: Sequence[int] = SEEDS) -> dict[str, list[Places]]:
    """Return the twins of a selection by name, one a seed."""
    ids = pool.rows["id"].gather(chosen).to_list()
    drawn: dict[str, list[Places]] = {}
    for seed in seeds:
        for twin in make_twins(pool.rows, ids, by="quality", seed=seed):
            drawn.setdefault(twin.name, []).append(np.array(list(map(int, twin.ids))))
    return drawn


def report_categories(
    pool: Pool, chosen: Mapping[str, Places], random: Sequence[Places], budget: int
) -> str:
    """Share of each category, and how much of it is lost against its share of the pool."""
    categories = pool.rows["category"].to_numpy()
    lines = []
    for name in CATEGORIES:
        here = categories == name
        before = here.mean()
        cells = [
            f"{here[at].mean():.1%} ({here[at].mean() / before - 1:+.0%})" for at in chosen.values()
        ]
        lines.append(
            [name, f"{before:.1%}", spread([here[at].mean() for at in random], "{:.1%}"), *cells]
        )
    return (
        f"### Categories, {budget:,} rows kept\n\nShare of the rows, and what it gained or lost "
        "against all of Alpaca.\n\n" + table(["category", "before", "random", *chosen], lines)
    )


def report_figures(
    pool: Pool, chosen: Mapping[str, Places], twins: Mapping[str, Sequence[Places]], budget: int
) -> str:
    """Diversity, score and length of each selection."""
    figures: dict[str, tuple[Figure, str]] = {
        "nearest neighbour": (measures(pool)["nearest neighbour"][0], "{:.3f}"),
        "topics": (lambda at: float(pool.rows["topic"].gather(at).n_unique()), "{:.0f}"),
        "effective topics": (measures(pool)["effective topics"][0], "{:.0f}"),
        "quality": (
            lambda at: float(np.nanmean(numbers(pool, "quality")[at])),
            "{:.3f}",
        ),
        "characters": (lambda at: float(np.median(numbers(pool, "characters")[at])), "{:.0f}"),
        "discarded": (measures(pool)["discarded"][0], "{:.3f}"),
    }
    lines: list[list[str]] = []
    for name, at in chosen.items():
        known = int(np.isfinite(pool.discarded[at]).sum())
        cells = [form.format(figure(at)) for figure, form in figures.values()]
        lines.append([name, *cells, str(known)])
    for name, draws in twins.items():
        cells = [spread([figure(at) for at in draws], form) for figure, form in figures.values()]
        lines.append([f"twin of best: {name}", *cells, ""])
    return (
        f"### What is kept, {budget:,} rows\n\nMean cosine of a row's prompt with its nearest "
        "neighbour in the selection (lower: more diverse), topics of "
        f"{pool.rows['topic'].n_unique()} that are there, exp(entropy) of the topics, mean "
        "quality, median characters of an answer, share that the editors discarded among the rows "
        "labelled (their number last). Twins: mean and 95 % interval over five seeds.\n\n"
        + table(["selection", *figures, "labelled"], lines)
    )


def report_lift(
    pool: Pool, chosen: Mapping[str, Places], twins: Mapping[str, Sequence[Places]], budget: int
) -> str:
    """Overlap with published selections, as a multiple of chance."""
    lines: list[list[str]] = []
    for name, at in chosen.items():
        lines.append([name, *(f"{lift(at, pool, other):.2f}" for other in pool.published)])
    for name, draws in twins.items():
        cells = [
            spread([lift(at, pool, other) for at in draws], "{:.2f}") for other in pool.published
        ]
        lines.append([f"twin of best: {name}", *cells])
    return (
        f"### Overlap with published selections, {budget:,} rows\n\nAs a multiple of chance, among "
        "the rows that the lists speak of. `alpagasus_random_9k` is itself random.\n\n"
        + table(["selection", *pool.published], lines)
    )


def report_losses(pool: Pool, chosen: Mapping[str, Places], budget: int) -> str:
    """In what each selection is not better than its own twins."""
    figures = measures(pool)
    lines = []
    for name, at in chosen.items():
        twins = draw_twins(pool, at)
        lines.append([name, *(
            ", ".join(
                label for label, (figure, sign) in figures.items()
                if sign * figure(at) <= highest([sign * figure(twin) for twin in twins[kind]])
            ) or "–"
            for kind in ("random", "length_matched")
        )])  # fmt: skip
    return (
        f"### Not better than chance, {budget:,} rows\n\nFigures in which a selection is not above "
        "the range that its own twins' values fall into (95 %, from five seeds): random ones of "
        "as many rows, and random ones with the same lengths of answers.\n\n"
        + table(["selection", "not better than random in", "nor than length-matched in"], lines)
    )


def measures(pool: Pool) -> dict[str, tuple[Figure, int]]:
    """Return what should be high (1) or low (-1)."""
    lists = [name for name in pool.published if "random" not in name]
    return {
        "nearest neighbour": (lambda at: nearest_neighbour(pool.full[at]), -1),
        "effective topics": (lambda at: effective_number(pool.rows["topic"].gather(at)), 1),
        "discarded": (lambda at: float(np.nanmean(pool.discarded[at])), -1),
        **{name: (partial(lift, pool=pool, name=name), 1) for name in lists},
    }


def highest(values: Sequence[float]) -> float:
    """Return the upper end of the range in which one more of five such values would fall."""
    deviation = float(np.std(values, ddof=1))
    return float(np.mean(values)) + _T_95 * deviation * (1 + 1 / len(values)) ** 0.5


def report_cost(pool: Pool) -> str:
    """CPU seconds and memory of each step on all rows, in a process of its own."""
    steps: dict[str, tuple[str, int]] = {name: (name, 9_000) for name in _STEPS}
    for name in METHODS:
        steps |= {f"{name}, {budget:,} rows": (name, budget) for budget in BUDGETS}
    with TemporaryDirectory() as folder:
        pool.rows.write_parquet(Path(folder, "rows.parquet"))
        np.save(Path(folder, "forecast.npy"), pool.forecast)
        context = multiprocessing.get_context("spawn")
        lines = []
        for shown, (name, budget) in steps.items():
            with context.Pool(1) as child:
                seconds, grown = child.apply(measure, (Path(folder), name, budget))
            lines.append([shown, f"{seconds:.1f}", f"{grown:.0f}"])
    return (
        "### Cost\n\nOne thread. Memory: what a process needed beyond the rows and their vectors "
        f"({pool.forecast.nbytes / 1e6:.0f} MB), which it had before.\n\n"
        + table(["step", "CPU s", "MB"], lines)
    )


def measure(folder: Path, name: str, budget: int) -> tuple[float, float]:
    """Run a step; return its CPU seconds and the growth of this process's memory in MB."""
    rows = pl.read_parquet(folder / "rows.parquet")
    vectors = np.load(folder / "forecast.npy")
    unknown = np.full(rows.height, np.nan)
    pool = Pool(rows, vectors, vectors, unknown, {})
    step = _STEPS.get(name, lambda pool: select(pool, METHODS[name], budget))
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of reading the rows
    before, start = peak_kilobytes(), time.process_time()
    step(pool)
    return time.process_time() - start, (peak_kilobytes() - before) / 1024


def peak_kilobytes() -> int:
    """Return the most memory that this process held since its peak was forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


_STEPS: dict[str, Callable[[Pool], object]] = {
    "categories": lambda pool: categorise(pool.rows),
    "vectors, with loading": lambda pool: encode_prompts(pool.rows, SentenceEncoder(), CACHE),
    "topics": lambda pool: find_topics(pool.rows, pool.forecast),
    "twins": lambda pool: draw_twins(pool, np.arange(9_000), seeds=range(1)),
}


def numbers(pool: Pool, column: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is null."""
    return pool.rows[column].cast(pl.Float64).to_numpy()


def nearest_neighbour(vectors: Vectors) -> float:
    """Return the mean cosine of each row with the nearest other row."""
    nearest = []
    for start in range(0, len(vectors), 2_048):
        cosines = vectors[start : start + 2_048] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -1
        nearest.append(cosines.max(axis=1))
    return float(np.concatenate(nearest).mean())


def effective_number(values: pl.Series) -> float:
    """Return exp(entropy): how many values there are, counting rare ones less."""
    shares = values.value_counts()["count"].to_numpy() / values.len()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def lift(at: Places, pool: Pool, name: str) -> float:
    """Return how often a published list and a selection share a row, chance being 1."""
    spoken_of = np.zeros(pool.rows.height, dtype=np.bool_)
    spoken_of[::2] = True
    if name == "cherry_5pct":
        here = np.zeros_like(spoken_of)
        for low, high in _CHERRY:
            here[low:high] = True
        spoken_of &= here
    ours, theirs = np.zeros_like(spoken_of), np.zeros_like(spoken_of)
    ours[at], theirs[pool.published[name]] = True, True
    ours, theirs = ours & spoken_of, theirs & spoken_of
    expected = ours.sum() * theirs.sum() / spoken_of.sum()
    return float((ours & theirs).sum() / expected)


def spread(values: Sequence[float], form: str) -> str:
    """Return `mean [low, high]` of five values: the 95 % interval of their mean."""
    mean = float(np.mean(values))
    half = _T_95 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return f"{form.format(mean)} [{form.format(mean - half)}, {form.format(mean + half)}]"


if __name__ == "__main__":
    main()
