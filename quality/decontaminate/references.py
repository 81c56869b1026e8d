"""The texts of benchmarks that rows are searched for, and the search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from quality.decontaminate.items import BenchmarkItem
from quality.decontaminate.ngrams import FINDS, Grams, cut_grams, find_grams
from quality.decontaminate.spelling import Numbers, Spelled, cut_words, find_runs, list_words, spell
from quality.decontaminate.turns import row_texts
from schemas.frames import FrameSchema

#: A text found whole, word for word, anywhere in a row.
WHOLE: FrameSchema = {"row": pl.Int64, "text": pl.Int64}
#: Different words below which a text says nothing.
MIN_WORDS: Final = 3
# Rows that are searched at once.
_BATCH = 50_000


class Parts(NamedTuple):
    """The texts of an item, as places in `References.texts`."""

    text: int
    given: int | None
    more: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class References:
    """What is looked for.

    Attributes:
        texts: the different texts of all items.
        parts: of each item.
        words: the folded words of each text.
        known: all words, sorted.
        spelled: the texts in numbers of `known`.
        grams: the n-grams of the texts.
    """

    texts: list[str]
    parts: list[Parts]
    words: list[list[str]]
    known: pl.Series
    spelled: Spelled
    grams: Grams

    @property
    def ngram(self) -> int:
        """Words in an n-gram."""
        return int(self.grams.runs.shape[1])


def make_references(items: Sequence[BenchmarkItem], *, ngram: int) -> References:
    """Prepare to look for the texts of `items`."""
    texts = sorted({part for item in items for part in item.parts()})
    place = {text: number for number, text in enumerate(texts)}
    parts = [
        Parts(
            place[item.text],
            place[item.given] if item.given else None,
            tuple(place[more] for more in item.more),
        )
        for item in items
    ]
    series = pl.Series("text", texts, dtype=pl.String)
    known = list_words(series)
    spelled = spell(series, known)
    words = cut_words(series).to_list()
    return References(texts, parts, words, known, spelled, cut_grams(spelled, ngram))


class Found(NamedTuple):
    """Where rows hold parts of benchmarks.

    Attributes:
        grams: FINDS.
        short: WHOLE, of the texts that are shorter than an n-gram.
    """

    grams: pl.DataFrame
    short: pl.DataFrame


def search_rows(rows: pl.DataFrame, references: References) -> Found:
    """Find the n-grams and the short texts of benchmarks in all turns of all rows."""
    short = list(_short_texts(references))
    grams = [pl.DataFrame(schema=dict(FINDS))]
    whole = [pl.DataFrame(schema=dict(WHOLE))]
    for start in range(0, rows.height, _BATCH):
        texts = row_texts(rows.slice(start, _BATCH))
        owner = texts["row"].cast(pl.Int64).to_numpy() + start
        spelled = spell(texts["text"], references.known)
        found = find_grams(spelled, references.grams)
        grams.append(found.with_columns(row=owner[found["row"].to_numpy()]).unique())
        for runs, numbers in short:
            at = find_runs(spelled, runs)
            frame = pl.DataFrame({"row": owner[at.texts], "run": at.found}).unique()
            whole.append(frame.join(numbers, on="run").select(list(WHOLE)))
    return Found(pl.concat(grams), pl.concat(whole).unique())


def _short_texts(references: References) -> Iterator[tuple[Numbers, pl.DataFrame]]:
    """Yield the questions of each length below an n-gram: runs of words, and whose they are."""
    words, offsets = references.spelled
    questions = np.array(sorted({part.text for part in references.parts}), dtype=np.int64)
    lengths = np.diff(offsets)[questions]
    for length in range(MIN_WORDS, references.ngram):
        numbers = questions[lengths == length]
        if len(numbers):
            windows = words[offsets[numbers][:, None] + np.arange(length)]
            runs, run = np.unique(windows, axis=0, return_inverse=True)
            yield runs, pl.DataFrame({"run": run.ravel(), "text": numbers}).cast(pl.Int64)
