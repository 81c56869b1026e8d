"""The map of a version: a place in the plane and a topic for every row, like rows near each other.

The places are made when a version is published and kept in it, so that the page can be rebuilt
without a model. They decide about no row and are no part of the content hash: the same rows give
the same map on one machine, but another processor may round otherwise, and then a map turns.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import xxhash

from flows.report.layout import lay_out
from flows.select.word_vectors import word_vectors
from quality.select.nearest import Vectors
from quality.select.topics import count_topics, find_topics
from schemas.frames import FrameSchema

if TYPE_CHECKING:
    from flows.encoders import SentenceEncoder
    from flows.session import Session

#: Directory of a version.
FOLDER: Final = "map"
#: One line a row of the map, sorted by id.
POINTS: Final[FrameSchema] = {
    "id": pl.String,
    "x": pl.Float32,  # 0 to 1
    "y": pl.Float32,  # 0 to 1
    "topic": pl.String,  # null: no word in the prompt
}
#: Rows on a map; of more, those with the lowest hashes of their ids.
MAX_POINTS: Final = 20_000
#: Fewer rows are read sooner than a map of them.
LEAST_ROWS: Final = 20
#: Topics that people can tell apart on a map.
MAX_TOPICS: Final = 40

_COLUMNS = ("instruction", "input")
_FILE = "points.parquet"
_TEXTS = ("id", "source", "instruction", "input", "output")


def publish_map(
    session: "Session", rows: pl.DataFrame, rejects: pl.DataFrame, folder: Path
) -> None:
    """Write the map of a run's rows, unless they are fewer than LEAST_ROWS.

    Args:
        session: the run. Where it deduplicated by meaning, so that its encoder is loaded, rows are
            near each other that mean the same; else, those that share words.
        rows: the published rows.
        rejects: the others.
        folder: made here.
    """
    if rows.height + rejects.height < LEAST_ROWS:
        return
    dedup = session.recipe.dedup
    has_encoder = dedup is not None and dedup.semantic is not None
    points = draw_map(
        rows,
        rejects,
        encoder=session.encoder if has_encoder else None,
        cache=session.home / "models",
        seed=session.recipe.seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    points.write_parquet(folder / _FILE, compression="zstd")


def read_map(folder: Path) -> pl.DataFrame | None:
    """Read the map of a version; null where it was published without one."""
    path = folder / FOLDER / _FILE
    return pl.read_parquet(path).select(list(POINTS)) if path.is_file() else None


def draw_map(
    rows: pl.DataFrame,
    rejects: pl.DataFrame,
    *,
    encoder: "SentenceEncoder | None",
    cache: Path,
    seed: int = 0,
) -> pl.DataFrame:
    """Place the rows that have a prompt.

    Args:
        rows: the published rows.
        rejects: the others.
        encoder: reads the prompts; null: rows are compared by their words.
        cache: directory of the encoder's distilled table.
        seed: of the sample, the topics and the layout.

    Returns:
        POINTS, at most MAX_POINTS; the same in any row order.
    """
    # numba takes a second to import; whoever only reads versions needs none of it.
    from quality.dedup.shingles import join_columns

    every = pl.concat([_texts(rows), _texts(rejects)]).filter(
        pl.col("instruction").str.strip_chars() != ""
    )
    if every.height > MAX_POINTS:
        hashes = [xxhash.xxh3_64_intdigest(row_id.encode(), seed) for row_id in every["id"]]
        drawn = pl.Series("draw", hashes, dtype=pl.UInt64)
        every = every.with_columns(drawn).sort("draw", "id").head(MAX_POINTS).drop("draw")
    every = every.sort("id")
    if every.is_empty():
        return pl.DataFrame(schema=dict(POINTS))
    joined = join_columns(every, _COLUMNS)
    texts = joined.unique().sort()
    places = joined.rank("dense").cast(pl.Int64).to_numpy() - 1
    vectors = _encode(texts.to_list(), encoder, cache)
    count = min(MAX_TOPICS, count_topics(every.height))
    topics = find_topics(every, vectors[places], count=count, seed=seed)
    plane = lay_out(vectors, seed=seed)[places]
    return every.select(
        "id",
        x=pl.Series(plane[:, 0], dtype=pl.Float32),
        y=pl.Series(plane[:, 1], dtype=pl.Float32),
        topic=topics.names,
    )


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The texts of rows; a row that could not be read has none."""
    return frame.select(
        pl.col(name).fill_null("") if name in frame.columns else pl.lit("").alias(name)
        for name in _TEXTS
    )


def _encode(texts: list[str], encoder: "SentenceEncoder | None", cache: Path) -> Vectors:
    """Turn different, sorted texts into unit vectors."""
    if encoder is None:
        return word_vectors(texts)
    from flows.encoders import ENCODE_ALL_ROWS, StaticEncoder

    if len(texts) <= ENCODE_ALL_ROWS:
        return encoder.encode(texts)
    static = StaticEncoder(encoder, cache)
    return static.encode_with(static.token_weights(texts), texts)
