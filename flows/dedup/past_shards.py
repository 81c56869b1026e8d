"""Earlier versions as shards: their signatures as published, or made anew from their rows."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from flows.dedup.header import FORMAT, SignatureHeader, damaged, describe_cut, read_header
from flows.dedup.past import PLACES, Earlier
from flows.dedup.shards import Shard, list_shards
from flows.dedup.signatures import (
    FILE_ROWS,
    cut_of,
    make_signatures,
    probe,
    read_signatures,
    write_parts,
)
from flows.disk import user_disk_errors
from flows.store import code_version, hash_json
from quality.dedup.exact import COLUMNS
from quality.dedup.kernels import Places
from schemas.errors import InputError
from schemas.recipe import LexicalOptions


@dataclass(frozen=True, slots=True)
class PastShard(Shard):
    """Signatures of consecutive rows of an earlier version.

    Attributes:
        label: `name@version`.
        where: directory of the version, or its signature file where that is all.
        data: pattern of the files with the rows themselves; None: they are not here.
        data_start: which of these rows the first line is of.
    """

    label: str
    where: str
    data: str | None
    data_start: int


def past_shards(
    versions: Sequence[Earlier], options: LexicalOptions | None, work: Path
) -> list[PastShard]:
    """Return earlier versions as the first shards of a deduplication.

    Args:
        versions: in the order of their rows.
        options: how rows are cut; None: nobody looks at shingles.
        work: where files are kept from run to run: `id` there begins with the version's label.

    Raises:
        InputError: if signatures are damaged, or cut otherwise where the rows are not there.
    """
    shards: list[PastShard] = []
    for version in versions:
        start = 0
        for shard in list_shards(_prepare(version, options, work), after=shards):
            shards.append(
                PastShard(
                    **asdict(shard),
                    label=version.label,
                    where=str(version.where),
                    data=version.data,
                    data_start=start,
                )
            )
            start += shard.rows
    return shards


def locate_rows(shards: Sequence[PastShard], rows: Places) -> pl.DataFrame:
    """Say where rows are; see `Past.places`."""
    parts = [pl.DataFrame(schema={"matched": pl.Int64, **PLACES})]
    for shard in shards:
        places = shard.part_of(rows)
        if places.size:
            matched = pl.Series("matched", places + shard.first, dtype=pl.Int64)
            row = pl.col("matched") - shard.first + shard.data_start
            parts.append(
                matched.to_frame().with_columns(
                    matched_file=pl.lit(shard.where),
                    matched_row=row if shard.data is not None else pl.lit(None, dtype=pl.Int64),
                )
            )
    return pl.concat(parts)


def read_texts(shard: PastShard, columns: Sequence[str]) -> pl.DataFrame:
    """Read columns of the rows themselves, which must be here."""
    if shard.data is None:
        msg = f"expected rows of {shard.label}, which has signatures only"
        raise ValueError(msg)
    return _read(shard.data, columns, shard.data_start, shard.rows)


def _prepare(version: Earlier, options: LexicalOptions | None, work: Path) -> list[Path]:
    """Return the files of a version in `work`, which appear there whole or not at all."""
    cut = None if options is None else options.model_dump(mode="json")
    key = hash_json([version.label, version.fingerprint, version.data, cut, code_version()])[:24]
    folder = work / key
    if not folder.is_dir():
        draft = work / f".draft-{key}-{os.getpid()}"
        with user_disk_errors(work):
            try:
                prefix = pl.concat_str(pl.lit(f"{version.label}:"), "id").alias("id")
                parts = (part.with_columns(prefix) for part in _parts(version, options))
                write_parts(parts, draft)
                if not folder.is_dir():  # another run may have been faster
                    draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return sorted(folder.glob("*.parquet"))


def _parts(version: Earlier, options: LexicalOptions | None) -> Iterator[pl.DataFrame]:
    """Read a version's signatures, or make them where they do not compare."""
    headers = [read_header(path) for path in version.files]
    if headers and all(_compares(header, options) for header in headers):
        start = 0
        for path in version.files:
            part = read_signatures(path)
            _check_rows(version, part["id"], start)
            start += part.height
            yield part
    elif version.data is not None:
        yield from _cut_anew(version.data, options or LexicalOptions())
    else:
        raise _cut_otherwise(version, headers[0], options or LexicalOptions())


def _compares(header: SignatureHeader, options: LexicalOptions | None) -> bool:
    if (header.format, header.probe) != (FORMAT, probe()):
        return False
    return options is None or header.is_cut_as(options)


def _cut_anew(data: str, options: LexicalOptions) -> Iterator[pl.DataFrame]:
    cut = cut_of(options)
    start = 0
    while (rows := _read(data, ["id", *COLUMNS], start, FILE_ROWS)).height:
        yield make_signatures(rows, cut)
        start += rows.height


def _cut_otherwise(
    version: Earlier, header: SignatureHeader, options: LexicalOptions
) -> InputError:
    got = describe_cut(header)
    if (header.format, header.probe) != (FORMAT, probe()):
        got = "those of another release of feingold"
    return InputError(
        f"expected signatures of {version.label} with {describe_cut(options)}, got {got} in "
        f"{version.where}, and not the rows to make them anew: restore its data/, or set "
        "dedup.lexical to what they were made with"
    )


def _check_rows(version: Earlier, ids: pl.Series, start: int) -> None:
    """Raise unless the lines of the signatures are those of the rows."""
    if version.data is None:
        return
    found = _read(version.data, ["id"], start, ids.len())["id"]
    if not found.equals(ids):
        raise damaged(version.where, "other rows in data/ than in signatures/")


def _read(data: str, columns: Sequence[str], start: int, length: int) -> pl.DataFrame:
    """Read some rows of a version, whichever of its files they are in."""
    try:
        return pl.scan_parquet(data).select(columns).slice(start, length).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        msg = f"expected the rows of a published version, got {reason!r} in {data}: restore them"
        raise InputError(msg) from error
