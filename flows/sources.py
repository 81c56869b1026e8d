"""The sources of a recipe as one stage: rows, quarantined records, shares."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.collect import Ingested
from flows.conversations import ENTRY, READING, Shaped, shape_conversations
from flows.ingest import HUB_PREFIX, expand_paths, read_hub_dataset, read_source
from flows.refresh.known import count_copies
from flows.rounds import Cut, cut_sources
from flows.session import Session
from flows.store import StageOutput, hash_file, hash_json
from flows.turn_sizes import tokenizer_rules
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
        InputError: if a path leads nowhere, or a source names a tokenizer that is not there.
    """
    found = find_places(session)
    fingerprint = [_fingerprint(place) for _, place in found]
    fingerprint += [hash_json(tokenizer_rules(name)) for name in _tokenizers(session)]
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
        read = read_hub_dataset(
            place, format=source.format, license=source.license, trees=source.trees
        )
    else:
        read = read_source(
            place,
            name=place.name,
            format=source.format,
            license=source.license,
            trees=source.trees,
        )
        file = pl.lit(shown_path(source, place, base)).alias("file")
        read = Ingested(read.rows.with_columns(file), read.quarantined.with_columns(file))
    if source.preferences == "marked":
        return Ingested(mark_preferences(read.rows, source.markers), read.quarantined)
    return read


def _tokenizers(session: Session) -> list[str]:
    """Tokenizers that sources name; the embedded one is part of the code."""
    asked = [source.conversations for source in session.recipe.sources]
    names = [one.rounds.tokenizer for one in asked if one is not None and one.rounds is not None]
    return sorted({name for name in names if name is not None})


def _fingerprint(place: Path | str) -> str:
    if isinstance(place, str):
        return place
    return f"{place}:{hash_file(place)}"


def _merge(parts: Sequence[tuple[SourceOptions, Ingested]], *, seed: int) -> StageOutput:
    """Number the rows, take each source's share, and account for all that is left out."""
    entries: list[SourceOptions] = []
    for source, _ in parts:
        if source not in entries:
            entries.append(source)
    bad = quarantine_rows([part for _, part in parts])
    shaped = [shape_conversations(part, source.conversations) for source, part in parts]
    faults = pl.concat([empty_frame(ROWS), *(one.dropped for one in shaped)])
    fault_lines = pl.concat([empty_frame(DECISIONS), *(one.decisions for one in shaped)])
    named = [
        one.rows.with_columns(pl.lit(entries.index(source)).alias(ENTRY))
        for one, (source, _) in zip(shaped, parts, strict=True)
    ]
    rows = pl.concat([empty_frame(READING), *named])
    everything = number_copies(pl.concat([rows, faults, bad.rows], how="diagonal_relaxed"))
    rows, rest = everything.head(rows.height), everything.slice(rows.height)
    faults, bad_rows = rest.head(faults.height), rest.slice(faults.height)
    repeats = _repeated(rows, entries)
    left = rows.join(repeats, on="id", how="anti", maintain_order="left")
    shares = pl.Series([entries[entry].share or 1.0 for entry in left[ENTRY]], dtype=pl.Float64)
    in_share = draw_shares(left["id"], str(seed)) < shares
    left_out = left.filter(~in_share)
    cut = cut_sources(left.filter(in_share), entries, count_copies(everything["id"]))
    repeated = rows.join(repeats, on="id", how="semi", maintain_order="left")
    dropped = [bad_rows, left_out, faults, repeated, cut.dropped]
    lines = [
        bad.decisions.with_columns(bad_rows["id"]),
        _share_decisions(left_out, shares.filter(~in_share)),
        fault_lines.with_columns(faults["id"]),
        repeats,
        cut.decisions,
    ]
    return StageOutput(
        rows=cut.rows.select(list(ROWS)),
        dropped=pl.concat([part.select(list(ROWS)) for part in dropped]),
        decisions=pl.concat(lines),
        rows_in=sum(part.records for _, part in parts) + cut.pieces - cut.conversations,
        notes=_notes(entries, shaped, cut),
    )


def _notes(entries: Sequence[SourceOptions], shaped: Sequence[Shaped], cut: Cut) -> dict[str, Any]:
    """What cleaning changed and cutting made, where a source asks for it."""
    if all(source.conversations is None for source in entries):
        return {}
    cleaned = sum((one.cleaned for one in shaped), Counter[str]())
    rounds = {
        "conversations": cut.conversations,
        "pieces": cut.pieces,
        "too_long": cut.dropped.height,
    }
    return {"cleaned": dict(sorted(cleaned.items())), "cut": rounds}


def _repeated(rows: pl.DataFrame, entries: Sequence[SourceOptions]) -> pl.DataFrame:
    """Decide about conversations that begin alike, in the sources that are to hold each once."""
    found = [empty_frame(DECISIONS)]
    for by in ("query", "first_exchange"):
        asked = [place for place, source in enumerate(entries) if source.unique == by]
        if asked:
            # numba takes a second to import; few sources need it.
            from quality.dedup.conversations import repeated_conversations

            is_asked = pl.col(ENTRY).is_in(asked)
            within = rows.select(pl.when(is_asked).then(ENTRY).cast(pl.String)).to_series()
            found.append(repeated_conversations(rows, within, by=by))
    return pl.concat(found)


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
        "action",
        "value",
        "threshold",
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
