"""The sources of a recipe as one stage: rows, quarantined records, shares."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.collect import Ingested
from flows.ingest import HUB_PREFIX, expand_paths, read_hub_dataset, read_source
from flows.session import Session
from flows.store import StageOutput, hash_file
from quality.ids import draw_shares, number_copies
from quality.preferences import mark_preferences
from schemas.frames import DECISIONS, ROWS, empty_frame
from schemas.recipe import SourceOptions


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources that were found, not yet read.

    Attributes:
        fingerprint: hashes of their bytes, part of the stage key.
        compute: reads them.
    """

    fingerprint: list[str]
    compute: Callable[[], StageOutput]


def read_sources(session: Session) -> Sources:
    """Find all sources and prepare to read them.

    Raises:
        InputError: if a path leads nowhere.
    """
    found = find_places(session)
    fingerprint = [_fingerprint(place) for _, place in found]
    base, seed = Path(session.spec.base), session.recipe.seed

    def compute() -> StageOutput:
        bar = session.progress.start("reading", len(found))
        parts = []
        for source, place in found:
            parts.append((source, _read_one(source, place, base)))
            bar.advance()
        return _merge(parts, seed=seed)

    return Sources(fingerprint, compute)


def list_files(session: Session) -> list[str]:
    """Return the sources' files in the order of the recipe, as the column `file` names them."""
    base = Path(session.spec.base)
    return [shown_path(source, place, base) for source, place in find_places(session)]


def find_places(session: Session) -> list[tuple[SourceOptions, Path | str]]:
    """Return every file and Hub dataset that the sources name, in the order of the recipe.

    Raises:
        InputError: if a path leads nowhere.
    """
    base = Path(session.spec.base)
    found: list[tuple[SourceOptions, Path | str]] = []
    for source in session.recipe.sources:
        if source.path.startswith(HUB_PREFIX):
            found.append((source, source.path))
        else:
            found += [(source, path) for path in expand_paths(source.path, base)]
    return found


def shown_path(source: SourceOptions, place: Path | str, base: Path) -> str:
    """Return a path as the user would write it."""
    if isinstance(place, str) or Path(source.path).is_absolute():
        return str(place)
    return os.path.relpath(place, base)


def _read_one(source: SourceOptions, place: Path | str, base: Path) -> Ingested:
    """Read one file or Hub dataset."""
    if isinstance(place, str):
        read = read_hub_dataset(place, format=source.format, license=source.license)
    else:
        read = read_source(place, name=place.name, format=source.format, license=source.license)
        file = pl.lit(shown_path(source, place, base)).alias("file")
        read = Ingested(read.rows.with_columns(file), read.quarantined.with_columns(file))
    if source.preferences == "marked":
        return Ingested(mark_preferences(read.rows, source.markers), read.quarantined)
    return read


def _fingerprint(place: Path | str) -> str:
    if isinstance(place, str):
        return place
    return f"{place}:{hash_file(place)}"


def _merge(parts: Sequence[tuple[SourceOptions, Ingested]], *, seed: int) -> StageOutput:
    """Number the rows, take each source's share, and account for what is not used."""
    bad = quarantine_rows([part for _, part in parts])
    rows = pl.concat([empty_frame(ROWS), *(part.rows for _, part in parts)])
    everything = number_copies(pl.concat([rows, bad.rows]))
    rows, bad_rows = everything.head(rows.height), everything.tail(bad.rows.height)
    shares = _of_rows(parts, [source.share or 1.0 for source, _ in parts], pl.Float64)
    repeated = _repeated(rows, parts)
    is_repeated = rows["id"].is_in(repeated["id"].implode())
    not_drawn = ~is_repeated & (draw_shares(rows["id"], str(seed)) >= shares)
    undrawn = _share_decisions(rows.filter(not_drawn), shares.filter(not_drawn))
    return StageOutput(
        rows=rows.filter(~is_repeated & ~not_drawn),
        dropped=pl.concat([bad_rows, rows.filter(is_repeated | not_drawn)]),
        decisions=pl.concat([bad.decisions.with_columns(bad_rows["id"]), repeated, undrawn]),
        rows_in=sum(part.rows.height + part.quarantined.height for _, part in parts),
    )


def _repeated(rows: pl.DataFrame, parts: Sequence[tuple[SourceOptions, Ingested]]) -> pl.DataFrame:
    """Decide about conversations that begin alike, in the sources that are to hold each once."""
    names = [source.path if source.unique == "query" else None for source, _ in parts]
    if not any(names):
        return empty_frame(DECISIONS)
    # numba takes a second to import; few sources need it.
    from quality.dedup.queries import repeated_queries

    return repeated_queries(rows, _of_rows(parts, names, pl.String))


def _of_rows(
    parts: Sequence[tuple[SourceOptions, Ingested]],
    values: Sequence[float | str | None],
    dtype: type[pl.DataType],
) -> pl.Series:
    """Repeat the value of each part for each of its rows."""
    every = [
        value
        for (_, part), value in zip(parts, values, strict=True)
        for _ in range(part.rows.height)
    ]
    return pl.Series(every, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Records that could not be read, as rows and decisions in the same order."""

    rows: pl.DataFrame
    decisions: pl.DataFrame


def quarantine_rows(parts: Sequence[Ingested]) -> Quarantine:
    """Give quarantined records the shape of rows; their id is a hash of their place and text."""
    frames = [part.quarantined for part in parts if part.quarantined.height]
    if not frames:
        return Quarantine(empty_frame(ROWS), empty_frame(DECISIONS))
    found = pl.concat(frames)
    ids = [
        hashlib.sha256(f"{rule}\n{raw}".encode("utf-8", "replace")).hexdigest()[:32]
        for rule, raw in found.select("rule", "raw").iter_rows()
    ]
    found = found.with_columns(pl.Series("id", ids, dtype=pl.String))
    rows = pl.concat([empty_frame(ROWS), found], how="diagonal_relaxed").select(list(ROWS))
    texts = [pl.col(name).fill_null("") for name in ("system", "instruction", "input", "output")]
    lines = found.select(
        "id",
        pl.lit("ingest").alias("stage"),
        "rule",
        pl.lit("quarantine").alias("action"),
        pl.format("{}, line {}: {}", "file", pl.col("line").fill_null(0), "detail").alias(
            "evidence"
        ),
    )
    decisions = pl.concat([empty_frame(DECISIONS), lines], how="diagonal").select(list(DECISIONS))
    return Quarantine(rows.with_columns(texts), decisions)


def _share_decisions(rows: pl.DataFrame, shares: pl.Series) -> pl.DataFrame:
    lines = rows.select(
        "id",
        pl.lit("ingest").alias("stage"),
        pl.lit("source_share").alias("rule"),
        pl.lit("drop").alias("action"),
        shares.alias("threshold"),
        pl.lit("not drawn into the share of its source").alias("evidence"),
    )
    return pl.concat([empty_frame(DECISIONS), lines], how="diagonal").select(list(DECISIONS))
