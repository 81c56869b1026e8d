"""Step two: every band's buckets, one task a band; what is alike goes to disk as it is found."""

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flows.dedup.arrays import read_array, read_arrays
from flows.dedup.mapping import Mapper
from flows.dedup.sketch import load_band, load_fingerprints
from quality.dedup.kernels import Places
from quality.dedup.minhash import Bands
from quality.dedup.search import (
    CHECKED_BANDS,
    Earlier,
    Found,
    Limits,
    alike_in_large_buckets,
    alike_in_small_buckets,
    merge,
    nothing_earlier,
    tail_permutations,
)


@dataclass(frozen=True, slots=True)
class BandTask:
    """All that it takes to search a band, on any machine that sees the same files.

    Attributes:
        folder: directory of the results.
        sketches: directories of the shards' sketches, in the order of their rows.
        hashes: merged fingerprints.
        offsets: where each row's start.
        limits: when two rows are alike.
        banding: how signatures are cut.
        band: which one.
        n_past: rows before this number belong to earlier versions.
        dead: file of row numbers that take no part; None: all do.
        earlier: whether the first bands are done.
        crowded: file of the rows in large buckets and their order of survival, for those only.
    """

    folder: str
    sketches: list[str]
    hashes: str
    offsets: str
    limits: Limits
    banding: Bands
    band: int = 0
    n_past: int = 0
    dead: str | None = None
    earlier: bool = False
    crowded: str | None = None


def search_bands(task: BandTask, mapper: Mapper) -> Found:
    """Find what is alike in all small buckets.

    Args:
        task: the band of which does not matter.
        mapper: runs the bands.
    """
    bands = [replace(task, band=band) for band in range(task.banding.bands)]
    first = mapper(search_small, bands[:CHECKED_BANDS], "comparing, first bands")
    _save_earlier(task, [load_found(path) for path in first])
    rest = [replace(band, earlier=True) for band in bands[CHECKED_BANDS:]]
    paths = first + mapper(search_small, rest, "comparing, other bands")
    return merge(map(load_found, paths))


def search_crowded(task: BandTask, crowded: Places, rank: Places, mapper: Mapper) -> Found:
    """Find what is alike in the buckets that were too large.

    Args:
        task: the band of which does not matter.
        crowded: int64, ascending: the rows in such buckets.
        rank: int64, same shape: their places in the order of survival.
        mapper: runs the bands.
    """
    file = Path(task.folder, "large.npz")
    np.savez(file, rows=crowded, rank=rank)
    bands = [replace(task, band=band, crowded=str(file)) for band in range(task.banding.bands)]
    return merge(map(load_found, mapper(search_large, bands, "large buckets")))


def search_small(task: BandTask) -> str:
    """Search the small buckets of a band unless that is done; return the file of the result."""
    path = Path(task.folder, f"small-{task.band:03}.npz")
    if not path.exists():
        keys = _keys(task)
        prints = load_fingerprints(Path(task.hashes), Path(task.offsets))
        earlier = _load_earlier(task) if task.earlier else nothing_earlier(keys.size)
        _save(path, alike_in_small_buckets(keys, prints, task.limits, earlier, task.n_past))
    return str(path)


def search_large(task: BandTask) -> str:
    """Search the large buckets of a band unless that is done; return the file of the result."""
    path = Path(task.folder, f"large-{task.band:03}.npz")
    if not path.exists() and task.crowded is not None:
        every = _keys(task)
        keys, rank = np.zeros_like(every), np.zeros(every.size, np.int64)
        stored = read_arrays(Path(task.crowded))
        keys[stored["rows"]] = every[stored["rows"]]
        rank[stored["rows"]] = stored["rank"]
        prints = load_fingerprints(Path(task.hashes), Path(task.offsets))
        tail = tail_permutations(task.banding, task.band)
        _save(path, alike_in_large_buckets(keys, prints, task.limits, rank, tail, task.n_past))
    return str(path)


def load_found(path: str) -> Found:
    """Read the result of a band."""
    stored = read_arrays(Path(path))
    crowded: npt.NDArray[np.bool_] = np.zeros(int(stored["n_rows"]), np.bool_)
    crowded[stored["crowded"]] = True
    return Found(stored["pairs"], int(stored["compared"]), crowded)


def _save(path: Path, found: Found) -> None:
    draft = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.npz")
    np.savez(
        draft,
        pairs=found.pairs,
        compared=found.compared,
        n_rows=found.crowded.size,
        crowded=np.flatnonzero(found.crowded),
    )
    draft.rename(path)


def _keys(task: BandTask) -> npt.NDArray[np.uint64]:
    keys = load_band(task.sketches, task.band)
    if task.dead is not None:
        keys[read_array(Path(task.dead))] = 0
    return keys


def _save_earlier(task: BandTask, first: list[Found]) -> None:
    """Keep what later bands ask of the first ones: their crowded rows."""
    file = Path(task.folder, "crowded.npy")
    np.save(file, np.stack([found.crowded for found in first]))


def _load_earlier(task: BandTask) -> Earlier:
    crowded = read_array(Path(task.folder, "crowded.npy"))
    keys = np.empty(crowded.shape, np.uint64)
    for band, found in enumerate(keys):
        found[:] = load_band(task.sketches, band)
    return Earlier(keys, crowded)
