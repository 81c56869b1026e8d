"""Make the inputs: Parquet files with the String columns `id` and `text`.

    python -m benchmarks.dedup.data --labels ../shared/data syn50k syn200k alpaca52k

`alpaca52k` is real text, the 52,002 Alpaca prompts. It has few duplicates, so the others are made
out of it: an original is two windows of words from random places in the Alpaca texts (prompts and
answers), 12 to 40 words together, and 30 % of the rows are changed copies of originals. Two
windows, because ten million single windows of so short a corpus would overlap by chance.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CACHE = Path.home() / ".cache" / "feingold-bench" / "dedup"
ALPACA = "alpaca52k"
SIZES = {"syn5k": 5_000, "syn50k": 50_000, "syn200k": 200_000, "syn1m": 1_000_000}
SIZES["syn10m"] = 10_000_000

SEED = 20_261_123
COPIES = 0.3  # share of the rows
FEWEST_WORDS, MOST_WORDS = 12, 40
SHORTEST_WINDOW = 4
HIGHEST_RATE = 0.3  # of changed words; a copy's rate is this times u^2, so most are low
# Rows made at once: about 5 million words, 300 MB.
CHUNK = 200_000
SCHEMA = pa.schema({"id": pa.string(), "text": pa.string()})

Numbers = npt.NDArray[np.int64]


class Corpus(NamedTuple):
    """All words of the real texts, one after another: `vocabulary[words]`."""

    vocabulary: pa.Array
    words: npt.NDArray[np.int32]


class Plan(NamedTuple):
    """What every row is made of.

    Attributes:
        starts: of the two windows of every original, int32, shape (originals, 2).
        lengths: of the windows, in words; int8, same shape.
        sources: the original of every row, int32.
        rates: chance that a word of the row is changed, float32; 0 in an original.
    """

    starts: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int8]
    sources: npt.NDArray[np.int32]
    rates: npt.NDArray[np.float32]


def make(name: str, labels: Path, folder: Path = CACHE) -> Path:
    """Make an input where it is missing; returns its path.

    Args:
        name: ALPACA or one of SIZES.
        labels: folder that holds `alpaca/alpaca_data.json`.
        folder: where inputs are kept.
    """
    path = folder / (f"{name}.parquet" if name == ALPACA else f"{name}-{SEED}.parquet")
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    rows = json.loads((labels / "alpaca" / "alpaca_data.json").read_text(encoding="utf-8"))
    unfinished = path.with_suffix(".unfinished")
    if name == ALPACA:
        _write_prompts(unfinished, rows)
    else:
        _write_synthetic(unfinished, read_corpus(rows), SIZES[name])
    unfinished.rename(path)
    return path


def read_corpus(rows: list[dict[str, str]]) -> Corpus:
    """Cut all texts at white space."""
    words = [
        word
        for row in rows
        for column in ("instruction", "input", "output")
        for word in row[column].split()
    ]
    coded = pa.array(words, pa.string()).dictionary_encode()
    return Corpus(coded.dictionary, coded.indices.to_numpy())


def plan_rows(corpus: Corpus, rows: int) -> Plan:
    """Choose the windows of the originals, the original of every row and how much it changes."""
    rng = np.random.default_rng([SEED, rows])
    copies = round(rows * COPIES)
    originals = rows - copies
    starts = rng.integers(len(corpus.words) - MOST_WORDS, size=(originals, 2), dtype=np.int32)
    total = rng.integers(FEWEST_WORDS, MOST_WORDS, size=originals, endpoint=True, dtype=np.int8)
    first = rng.integers(SHORTEST_WINDOW, total - SHORTEST_WINDOW, endpoint=True, dtype=np.int8)
    sources = np.concatenate(
        [
            np.arange(originals, dtype=np.int32),
            rng.integers(originals, size=copies, dtype=np.int32),
        ]
    )
    rates = np.zeros(rows, dtype=np.float32)
    rates[originals:] = HIGHEST_RATE * rng.random(copies) ** 2
    order = rng.permutation(rows)
    return Plan(starts, np.stack([first, total - first], axis=1), sources[order], rates[order])


def make_texts(corpus: Corpus, plan: Plan, start: int, end: int) -> pa.Array:
    """Make the texts of the rows from `start` to `end`."""
    rng = np.random.default_rng([SEED, len(plan.sources), start])
    source = plan.sources[start:end]
    lengths = plan.lengths[source].astype(np.int64)
    words = corpus.words[_ranges(plan.starts[source].ravel(), lengths.ravel())]
    totals = lengths.sum(axis=1)
    is_changed = rng.random(len(words)) < np.repeat(plan.rates[start:end], totals)
    words, copies = _change(words, is_changed, corpus, rng)
    ends = np.cumsum(np.add.reduceat(copies, np.cumsum(totals) - totals))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    spelled = pa.ListArray.from_arrays(offsets, corpus.vocabulary.take(pa.array(words)))
    return pc.binary_join(spelled, " ")


def _ranges(starts: npt.NDArray[np.int32], lengths: Numbers) -> Numbers:
    """Concatenate the ranges of `lengths` from `starts` on."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _change(
    words: npt.NDArray[np.int32],
    is_changed: npt.NDArray[np.bool_],
    corpus: Corpus,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int32], Numbers]:
    """Replace, delete or double the changed words; the second of a doubled one is another word.

    Returns:
        The new words, and how many there are for every old one.
    """
    kind = rng.integers(3, size=len(words))
    copies = np.ones(len(words), dtype=np.int64)
    copies[is_changed & (kind == 1)] = 0
    copies[is_changed & (kind == 2)] = 2
    changed = np.repeat(words, copies)
    fresh = (np.cumsum(copies) - 1)[is_changed & (kind != 1)]
    # Drawn by frequency, as a person would.
    changed[fresh] = corpus.words[rng.integers(len(corpus.words), size=len(fresh))]
    return changed, copies


def _write_synthetic(path: Path, corpus: Corpus, rows: int) -> None:
    plan = plan_rows(corpus, rows)
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for start in range(0, rows, CHUNK):
            end = min(start + CHUNK, rows)
            numbers = pc.cast(pa.array(np.arange(start, end)), pa.string())
            ids = pc.binary_join_element_wise("s", pc.utf8_lpad(numbers, 8, "0"), "")
            texts = make_texts(corpus, plan, start, end)
            writer.write_table(pa.table({"id": ids, "text": texts}, schema=SCHEMA))


def _write_prompts(path: Path, rows: list[dict[str, str]]) -> None:
    texts = ["\n".join(filter(None, (row["instruction"], row["input"]))) for row in rows]
    ids = [f"a{place:05d}" for place in range(len(rows))]
    pq.write_table(pa.table({"id": ids, "text": texts}, schema=SCHEMA), path)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=[ALPACA, *SIZES])
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=CACHE)
    arguments = parser.parse_args()
    for name in arguments.names:
        print(make(name, arguments.labels, arguments.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
