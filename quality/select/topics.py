"""What a dataset is about: clusters of prompts with names and figures."""

import math
from typing import Final, NamedTuple

import polars as pl

from quality.select.k_means import cluster
from quality.select.nearest import Vectors
from quality.select.topic_names import name_topics
from quality.words import count_words
from schemas.frames import FrameSchema

#: One line a topic, the largest first.
TOPICS: Final[FrameSchema] = {
    "topic": pl.String,
    "rows": pl.Int64,
    "homogeneity": pl.Float64,  # mean cosine of its rows with its centre
    "median_answer_words": pl.Float64,
    "sources": pl.List(pl.Struct({"source": pl.String, "rows": pl.Int64})),  # the most rows first
}
_FEWEST, _MOST = 2, 200


class Topics(NamedTuple):
    """The topics of rows.

    Attributes:
        names: String, one a row: the name of its topic; null where it has no prompt.
        table: TOPICS.
    """

    names: pl.Series
    table: pl.DataFrame


def count_topics(n_rows: int) -> int:
    """Return a number of topics that people can still look through: sqrt(n / 2), 2 to 200.

    Example:
        >>> [count_topics(n_rows) for n_rows in (1, 1_000, 52_002, 10_000_000)]
        [2, 22, 161, 200]
    """
    return min(_MOST, max(_FEWEST, round(math.sqrt(n_rows / 2))))


def find_topics(
    rows: pl.DataFrame, vectors: Vectors, *, count: int | None = None, seed: int = 0
) -> Topics:
    """Cluster the prompts of rows and name the clusters.

    Args:
        rows: frame with a unique String `id`, `source`, `instruction`, `input` and `output`.
        vectors: float32, shape (n, d), of the prompts; unit rows, or zero rows without a text.
        count: number of topics; None: `count_topics`. Fewer where there are fewer different rows.
        seed: of the clustering.

    Returns:
        Topics; they do not depend on the order of `rows`.
    """
    ordered = rows.with_row_index("_position").sort("id")
    positions = ordered["_position"].to_numpy()
    found = cluster(vectors[positions], count or count_topics(rows.height), seed=seed)
    labels = pl.Series("label", found.labels)
    # An input may be an article; what is wanted of it is in the instruction.
    prompts = ordered.select(
        pl.concat_str("instruction", pl.col("input").str.slice(0, 200), separator=" ")
    ).to_series()
    names = name_topics(prompts, labels)
    described = ordered.select(
        "_position", "source", words=count_words(pl.col("output"))
    ).with_columns(
        topic=labels.replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String),
        cosine=pl.Series(found.cosines),
    )
    return Topics(described.sort("_position")["topic"], _describe(described))


def _describe(rows: pl.DataFrame) -> pl.DataFrame:
    """Return TOPICS of rows with `topic`, `source`, `words` and `cosine`."""
    known = rows.filter(pl.col("topic").is_not_null())
    sources = (
        known.group_by("topic", "source")
        .agg(rows=pl.len().cast(pl.Int64))
        .sort("rows", "source", descending=[True, False])
        .group_by("topic", maintain_order=True)
        .agg(sources=pl.struct("source", "rows"))
    )
    figures = known.group_by("topic").agg(
        rows=pl.len().cast(pl.Int64),
        homogeneity=pl.col("cosine").mean().round(4),
        median_answer_words=pl.col("words").median(),
    )
    return (
        figures.join(sources, on="topic")
        .sort("rows", "topic", descending=[True, False])
        .select(pl.col(name).cast(dtype) for name, dtype in TOPICS.items())
    )
