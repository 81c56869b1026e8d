"""Sources that are known to be healthy or not, for tests of their review."""

import random
from typing import Any

import polars as pl

from quality.intervals import share
from quality.review.figures import Figures
from tests.support.rows import make_row, make_rows

#: Figures of a healthy source, and what makes it one of short answers.
FINE = Figures(
    name="a.jsonl",
    rows=100,
    rows_before=120,
    measured=100,
    words=(5, 20, 60),
    short=share(2, 100),
    refusals=share(0, 100),
    malformed=share(1, 100),
    same_answers=share(0, 100),
    same_openings=share(4, 100),
    homogeneity=0.1,
    neighbour=0.5,
    topics=8.0,
    topic="rivers",
    topic_share=0.3,
)
SHORT: dict[str, Any] = {"short": share(98, 100)}

_REVIEWS = ("The plot drags", "I laughed a lot", "The seats were hard", "A wonderful evening")
_LABELS = ("positive", "negative")


_THINGS = "rivers owls clocks bridges onions planets violins taxes glaciers poems engines bees"
_DOINGS = "sleep grow shine vanish travel break sing melt return matter change count hide"
_ASKING = ("Why do {} {}?", "When will {} {}?", "{} often {}: explain.", "Say how {} {}.")


def healthy(name: str, count: int, *, seed: int = 0) -> pl.DataFrame:
    """Different questions with whole sentences as answers."""
    things, doings = _THINGS.split(), _DOINGS.split()
    pairs = [(thing, doing) for thing in things for doing in doings]
    random.Random(seed).shuffle(pairs)
    return _frame(
        name,
        [
            (
                _ASKING[(n + n // len(pairs)) % 4].format(thing, doing),
                f"Most {thing} {doing} for reason {n}, and so they always have.",
            )
            for n in range(count)
            for thing, doing in [pairs[n % len(pairs)]]
        ],
    )


def one_word(name: str, count: int) -> pl.DataFrame:
    """One template, two answers of one word: what P3 looked like."""
    return _frame(
        name,
        [
            (
                f"Is the following review positive or negative? {_REVIEWS[n % 4]}, number {n}.",
                _LABELS[n % 2],
            )
            for n in range(count)
        ],
    )


def refusing(name: str, count: int) -> pl.DataFrame:
    """Good questions, of whose answers most refuse."""
    return _spoilt(healthy(name, count, seed=7), "I'm sorry, but I cannot help with that request.")


def broken(name: str, count: int) -> pl.DataFrame:
    """Good questions, of whose answers most are empty."""
    return _spoilt(healthy(name, count, seed=8), "")


def _spoilt(rows: pl.DataFrame, answer: str) -> pl.DataFrame:
    """Put an answer in the place of two of three."""
    return rows.with_columns(
        output=pl.when(pl.col("row") % 3 == 0).then("output").otherwise(pl.lit(answer))
    )


def _frame(name: str, pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return make_rows(
        [
            make_row(task, answer, id=f"{name}-{n:04d}", source=name, row=n, license="CC0-1.0")
            for n, (task, answer) in enumerate(pairs)
        ]
    )
