"""Step one: every shard's shingles, band keys and exact keys, as arrays on disk.

A shard's sketch appears whole, by a rename, and is not made again: a run that was killed goes on
with the shards that are missing.
"""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from flows.dedup.arrays import map_array, read_array
from flows.dedup.shards import Shard, read_shard
from quality.dedup.exact import exact_keys
from quality.dedup.kernels import Hashes, Places
from quality.dedup.lexical import Cut, cut_rows
from quality.dedup.minhash import Bands, band_keys
from quality.dedup.shingles import Fingerprints


@dataclass(frozen=True, slots=True)
class SketchTask:
    """All that it takes to sketch a shard, on any machine that sees the same files.

    Attributes:
        shard: which rows.
        folder: the sketch's directory.
        exact: columns that exact duplicates have in common; None: not asked for.
        cut: how rows are cut into shingles; None: not asked for.
        banding: how signatures are cut.
        is_past: whether the file holds signatures of a version instead of rows.
    """

    shard: Shard
    folder: str
    exact: tuple[str, ...] | None
    cut: Cut | None
    banding: Bands
    is_past: bool = False


def sketch_shard(task: SketchTask) -> str:
    """Make a shard's sketch unless it is there; return its directory."""
    folder = Path(task.folder)
    if folder.is_dir():
        return task.folder
    # Two machines on one storage may have the same process ids.
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.draft")
    draft.mkdir(parents=True)
    frame = read_shard(task.shard, _columns(task))
    if task.exact is not None:
        keys = _stored_exact(frame) if task.is_past else exact_keys(frame, task.exact)
        np.save(draft / "exact.npy", keys)
    if task.cut is not None:
        prints, salts = _stored_shingles(frame) if task.is_past else cut_rows(frame, task.cut)
        np.save(draft / "hashes.npy", prints.hashes)
        np.save(draft / "offsets.npy", prints.offsets)
        np.save(draft / "keys.npy", band_keys(prints, task.banding, salts))
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(draft)  # another worker was faster
    return task.folder


def merge_fingerprints(sketches: list[str], folder: Path) -> tuple[Path, Path]:
    """Write the fingerprints of all shards as one pair of arrays; return their files."""
    if len(sketches) == 1:
        return Path(sketches[0], "hashes.npy"), Path(sketches[0], "offsets.npy")
    hashes, offsets = folder / "hashes.npy", folder / "offsets.npy"
    if offsets.exists():
        return hashes, offsets
    ends = [map_array(Path(sketch, "offsets.npy")) for sketch in sketches]
    total = sum(int(part[-1]) for part in ends)
    merged = np.lib.format.open_memmap(hashes, mode="w+", dtype=np.uint64, shape=(total,))
    starts, used = [np.zeros(1, np.int64)], 0
    for sketch, part in zip(sketches, ends, strict=True):
        values = map_array(Path(sketch, "hashes.npy"))
        merged[used : used + values.size] = values
        starts.append(part[1:] + used)
        used += values.size
    merged.flush()
    draft = folder / f".offsets.{uuid.uuid4().hex}.npy"
    np.save(draft, np.concatenate(starts))
    draft.rename(offsets)  # last: where it is, the other one is whole
    return hashes, offsets


def load_fingerprints(hashes: Path, offsets: Path) -> Fingerprints:
    """Map merged fingerprints from disk."""
    # Copy on write instead of read-only, a type of its own for which all would be compiled again.
    return Fingerprints(map_array(hashes, "c"), read_array(offsets))


def load_band(sketches: list[str], band: int) -> Hashes:
    """Read one band's keys of all shards: uint64, shape (n,)."""
    return np.concatenate([map_array(Path(sketch, "keys.npy"))[band] for sketch in sketches])


def load_exact(sketches: list[str]) -> Hashes:
    """Read the exact keys of all shards: uint64, shape (n, 2)."""
    return np.concatenate([read_array(Path(sketch, "exact.npy")) for sketch in sketches])


def _columns(task: SketchTask) -> list[str]:
    if task.is_past:
        return ["exact_high", "exact_low", "shingles", "template"]
    wanted = (*(task.exact or ()), *(task.cut.columns if task.cut else ()))
    return list(dict.fromkeys(wanted))


def _stored_exact(frame: pl.DataFrame) -> Hashes:
    return frame.select("exact_high", "exact_low").to_numpy().astype(np.uint64)


def _stored_shingles(frame: pl.DataFrame) -> tuple[Fingerprints, Hashes]:
    lists = frame["shingles"]
    offsets: Places = np.zeros(lists.len() + 1, dtype=np.int64)
    np.cumsum(lists.list.len().to_numpy(), out=offsets[1:])
    hashes = lists.explode(empty_as_null=False).to_numpy()
    return Fingerprints(np.ascontiguousarray(hashes), offsets), frame["template"].to_numpy()
