"""How much a deduplication finds in the user's own data, measured on rows that were planted.

A planted row is *caught* where the engine calls it and its source one: equal after folding, or a
verified pair at the threshold. Planted rows are worse than any real one, so they never change what
becomes of the real rows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from flows.dedup.mapping import Mapper
from flows.dedup.rows import Rows, Scorer
from flows.dedup.shards import list_shards
from flows.dedup.signatures import cut_of
from flows.dedup.stage import Encoders, limits_of
from flows.dedup.thresholds import Flags, Pairs, Sweep, sweep
from flows.disk import write_frame
from quality.dedup.exact import COLUMNS
from quality.dedup.kernels import Places
from quality.dedup.lexical import Cut
from quality.dedup.minhash import choose_bands
from quality.dedup.planting import PREFIX, plant, sample_ids
from quality.intervals import share
from schemas.recipe import DedupOptions, LexicalOptions

#: Thresholds that are shown beside the chosen one: Jaccard, and cosine.
LEXICAL_GRID = (0.5, 0.6, 0.7, 0.8, 0.9)
SEMANTIC_GRID = (0.8, 0.85, 0.9, 0.95)
# Two-sided 95 %.


@dataclass(frozen=True, slots=True)
class Trial:
    """Planted rows and where they are.

    Attributes:
        planted: PLANTED.
        sources: int64: number of each one's source.
        numbers: int64: its own number, ascending.
        swept: the pairs among all rows.
    """

    planted: pl.DataFrame
    sources: Places
    numbers: Places
    swept: Sweep

    @property
    def n_own(self) -> int:
        """Number of the user's own rows."""
        return self.swept.rows.n_rows - self.swept.rows.n_past - self.planted.height


class Caught(NamedTuple):
    """What became of the planted rows at one threshold.

    Attributes:
        merged: bool: taken for the same as the source.
        searched: bool: the banding should have brought it to its source.
        found: bool: and did.
    """

    merged: Flags
    searched: Flags
    found: Flags


def plant_rows(
    data: Rows, options: DedupOptions, *, size: int, seed: int, file: Path
) -> pl.DataFrame:
    """Sample rows, make duplicates and look-alikes of them and write these as a file of rows.

    Args:
        data: the user's rows.
        options: how they are compared: the compared columns are edited.
        size: rows to sample.
        seed: another seed, another sample.
        file: Parquet file to write.

    Returns:
        PLANTED.
    """
    every = np.arange(data.n_past, data.n_rows)
    ids = data.texts(every, ["id"])["id"] if len(every) else pl.Series("id", [], dtype=pl.String)
    chosen = every[ids.is_in(sample_ids(ids, size, seed=seed).implode()).to_numpy()]
    sources = data.texts(chosen, ["id", *COLUMNS]) if len(chosen) else _no_rows()
    guards = options.lexical is None or options.lexical.guards
    planted = plant(sources, compared_cut(options), seed=seed, guards=guards)
    unknown = pl.lit(None, dtype=pl.Float64).alias("quality")
    write_frame(planted.select("id", *COLUMNS, unknown), file)
    return planted


def run_trial(
    data: Rows,
    planted: pl.DataFrame,
    file: Path,
    options: DedupOptions,
    *,
    encoders: Encoders,
    mapper: Mapper,
) -> Trial:
    """Search the data and the planted rows together.

    Args:
        data: the user's rows.
        planted: PLANTED.
        file: where they are as rows.
        options: which methods run.
        encoders: for the semantic method.
        mapper: runs shards and bands.
    """
    shards = [*data.shards, *list_shards([file], after=data.every)]
    rows = Rows(data.past, shards, planted_last(data.score))
    lowest, work = grid_of(options)[0], file.parent / "planted"
    swept = sweep(rows, options, lowest, encoders=encoders, work=work, mapper=mapper)
    every = np.arange(data.n_past, data.n_rows)
    ids = data.ids(every)
    places = pl.DataFrame({"source_id": ids, "number": every})
    named = planted.select("source_id").join(
        places, on="source_id", how="left", maintain_order="left"
    )
    numbers = np.arange(planted.height, dtype=np.int64) + data.n_rows
    return Trial(planted, named["number"].to_numpy().astype(np.int64), numbers, swept)


def planted_last(score: Scorer | None) -> Scorer:
    """Return a scorer that knows no quality for planted rows, so that they never survive."""

    def run(frame: pl.DataFrame) -> pl.Series:
        nothing = pl.repeat(None, frame.height, dtype=pl.Float64, eager=True).alias("quality")
        if score is None or (frame.height and str(frame["id"][0]).startswith(PREFIX)):
            return nothing
        return score(frame)

    return run


def caught_at(trial: Trial, threshold: float) -> Caught:
    """Say what becomes of the planted rows at a threshold."""
    swept, planted = trial.swept, trial.planted
    sources, numbers = _standing_in(swept, trial.sources), _standing_in(swept, trial.numbers)
    is_equal = sources == numbers
    nothing = np.zeros(planted.height, np.bool_)
    found = searched = nothing
    if swept.lexical is not None:
        pairs = swept.lexical.where(swept.lexical_at(threshold))
        found = _are_paired(sources, numbers, pairs, swept.rows.n_rows)
        searched = (
            (planted["jaccard"] >= threshold) & planted["parted_by"].is_null()
        ).to_numpy() & ~is_equal
    merged = is_equal | found
    if swept.semantic is not None and swept.options.semantic is not None:
        alone = swept.lexical is None
        needed = threshold if alone else swept.options.semantic.threshold
        close = swept.semantic.where(swept.semantic.similarity >= needed)
        merged = merged | _are_paired(sources, numbers, close, swept.rows.n_rows)
    return Caught(merged, searched, found & searched)


def measure(trial: Trial, threshold: float) -> dict[str, Any]:
    """Estimate recall and precision at a threshold, each with a 95 % interval."""
    caught = caught_at(trial, threshold)
    is_duplicate = trial.planted["is_duplicate"].to_numpy()
    right, wrong = caught.merged & is_duplicate, caught.merged & ~is_duplicate
    lexical = trial.swept.options.lexical
    first_planted = trial.swept.rows.n_rows - trial.planted.height
    own = sum(
        int((found.dropped.rows < first_planted).sum())
        for found in trial.swept.results_at(threshold)
    )
    return {
        "threshold": threshold,
        "recall": rate(right.sum(), is_duplicate.sum()),
        "precision": rate(right.sum(), right.sum() + wrong.sum()),
        "look_alikes_merged": rate(wrong.sum(), (~is_duplicate).sum()),
        "search_recall": None if lexical is None else _search_recall(trial, caught, threshold),
        "own_dropped": own,
        "own_share": round(own / trial.n_own, 5) if trial.n_own else 0.0,
    }


def rate(found: int, of: int) -> dict[str, Any]:
    """Return a share and its Wilson 95 % interval; null where there is nothing to share.

    Example:
        >>> rate(9, 10)
        {'value': 0.9, 'low': 0.5958, 'high': 0.9821, 'found': 9, 'of': 10}
    """
    value, low, high, _ = share(int(found), int(of))
    return {
        "value": value,
        "low": low,
        "high": high,
        "found": int(found) if of else 0,
        "of": int(of),
    }


def grid_of(options: DedupOptions) -> list[float]:
    """Return the thresholds to compare: the chosen one and its neighbours."""
    grid = LEXICAL_GRID if options.lexical is not None else SEMANTIC_GRID
    return sorted({*grid, chosen_threshold(options)})


def chosen_threshold(options: DedupOptions) -> float:
    """Return the threshold that a calibration moves; 1 where no method has one."""
    moved = options.lexical or options.semantic
    return 1.0 if moved is None else moved.threshold


def compared_cut(options: DedupOptions) -> Cut:
    """How the compared columns are cut, for the semantic method alone as the lexical one would."""
    if options.lexical is not None:
        return cut_of(options.lexical)
    columns = options.semantic.columns if options.semantic is not None else COLUMNS
    return Cut(columns=columns)


def _search_recall(trial: Trial, caught: Caught, threshold: float) -> dict[str, Any]:
    """Compare what the bands find with what they are expected to find."""
    lexical = trial.swept.options.lexical or LexicalOptions()
    banding = choose_bands(limits_of(lexical)._replace(threshold=threshold).lowest)
    wanted = trial.planted["jaccard"].to_numpy()[caught.searched]
    chances = [banding.chance(value) for value in wanted.tolist()]
    expected = round(float(np.mean(chances)), 5) if chances else None
    return {**rate(caught.found.sum(), caught.searched.sum()), "expected": expected}


def _standing_in(swept: Sweep, rows: Places) -> Places:
    """Return the row that stays of each one's exact duplicates."""
    if swept.exact is None or not len(swept.exact.rows):
        return rows
    places = np.searchsorted(swept.exact.rows, rows).clip(0, len(swept.exact.rows) - 1)
    stays: Places = np.where(swept.exact.rows[places] == rows, swept.exact.matched[places], rows)
    return stays


def _are_paired(left: Places, right: Places, pairs: Pairs, n_rows: int) -> Flags:
    """Mark the places at which two rows are one of the pairs, in either order."""
    known = pairs.rows[:, :2].min(axis=1) * n_rows + pairs.rows[:, :2].max(axis=1)
    wanted = np.minimum(left, right) * n_rows + np.maximum(left, right)
    paired: Flags = np.isin(wanted, known)
    return paired


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(("id", *COLUMNS), pl.String))
