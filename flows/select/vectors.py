"""Vectors of prompts: by the full encoder where they are few, by a forecast of it where many."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import xxhash

from flows.encoders import ENCODE_ALL_ROWS, Encoder, SentenceEncoder, StaticEncoder
from quality.dedup.forecast import LinearMap, to_unit
from quality.dedup.shingles import join_columns
from quality.select.nearest import Places, Vectors

_COLUMNS = ("instruction", "input")
#: Texts that the full encoder reads so that its vectors can be forecast from the static ones.
SAMPLE = 1_500


class PromptVectors(NamedTuple):
    """The vectors of prompts.

    Attributes:
        vectors: float32, shape (n, d), unit rows; zero rows for empty prompts.
        encoded: how many different texts the full encoder read.
        is_forecast: whether the other texts' vectors are forecast from static ones.
    """

    vectors: Vectors
    encoded: int
    is_forecast: bool


def encode_prompts(rows: pl.DataFrame, encoder: SentenceEncoder, cache: Path) -> PromptVectors:
    """Encode the prompts of rows.

    Up to `ENCODE_ALL_ROWS` different prompts are read by the full encoder. Of more, it reads
    SAMPLE, and the ridge regression that maps their static vectors to those forecasts all vectors.
    On Alpaca a forecast cosine correlates with the true one by 0.69 (static vectors alone: 0.41),
    and eight of ten pairs at a true 0.8 are forecast 0.57 to 0.80 (benchmarks.quality.selection):
    a bar on the cosine is met on average only, and a little too late.

    Args:
        rows: frame with `instruction` and `input`.
        encoder: the full one.
        cache: directory of the static encoder's table.

    Returns:
        Vectors in the order of `rows`; they depend on the set of texts alone.
    """
    joined = join_columns(rows, _COLUMNS)
    # Sorted, so that sums over all texts do not depend on the order of rows.
    texts = joined.unique().sort()
    places = joined.rank("dense").cast(pl.Int64).to_numpy() - 1
    known = texts.to_list()
    if len(known) <= ENCODE_ALL_ROWS:
        return PromptVectors(encoder.encode(known)[places], len(known), is_forecast=False)
    forecast = forecast_vectors(known, StaticEncoder(encoder, cache), encoder)
    return PromptVectors(forecast[places], min(SAMPLE, len(known)), is_forecast=True)


def forecast_vectors(texts: list[str], static: Encoder, full: Encoder) -> Vectors:
    """Forecast the full vectors of many texts from static ones and the full ones of a sample.

    Args:
        texts: different texts, sorted.
        static: quick.
        full: slow; reads SAMPLE texts.

    Returns:
        float32, shape (n, e), unit rows; zero rows where the static vector is zero.
    """
    given = static.encode(texts)
    chosen = _sample(texts)
    linear = LinearMap()
    linear.learn(given[chosen], full.encode([texts[place] for place in chosen.tolist()]))
    forecast = to_unit(linear.apply(given))
    forecast[~given.any(axis=1)] = 0
    return forecast


def _sample(texts: list[str]) -> Places:
    """Choose texts by their hash, so that no other text has a say."""
    hashes = np.array([xxhash.xxh3_64_intdigest(text.encode()) for text in texts], dtype=np.uint64)
    chosen: Places = np.sort(np.argsort(hashes, kind="stable")[:SAMPLE])
    return chosen
