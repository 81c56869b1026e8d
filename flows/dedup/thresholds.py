"""One search for many thresholds: which rows would go at each.

Bands are cut for the lowest threshold and pairs searched once. At every threshold the pairs count
that a run of its own would find, so those alone that share one of *its* bands, and survivors are
chosen anew.

A lower threshold need not drop more rows. Take a best row a, a second best b, and c, d, e that
repeat b alone: at 0.7 b drops three rows; at 0.6 a drops b, and c, d and e stay, because a row goes
only for one that is kept.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flows.dedup.engine import Engine, MethodResult
from flows.dedup.mapping import Mapper
from flows.dedup.rows import Rows
from flows.dedup.sketch import load_fingerprints, merge_fingerprints
from flows.dedup.stage import Encoders, limits_of, make_plan
from quality.dedup.kernels import Places, minhash_rows
from quality.dedup.kernels_buckets import SIZE_RATIO
from quality.dedup.minhash import Bands, choose_bands, permutations
from quality.dedup.search import Limits
from quality.dedup.shingles import Fingerprints
from quality.dedup.survivors import Dropped, drop_worse, rows_in_pairs
from schemas.recipe import DedupOptions

Flags = npt.NDArray[np.bool_]

# Pairs whose signatures are held at once: 64 MB.
_AT_ONCE = 50_000


class Pairs(NamedTuple):
    """Verified pairs of one method.

    Attributes:
        rows: int64, shape (m, 2 or more): row numbers.
        similarity: float64, shape (m,).
    """

    rows: Places
    similarity: npt.NDArray[np.float64]

    def where(self, mask: Flags) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(self.rows[mask], self.similarity[mask])


@dataclass(slots=True)
class PairFinder(Engine):
    """An engine that lets exact duplicates go and no others: it keeps the pairs for later.

    So the semantic method compares all rows but exact duplicates, of which those that are left at
    a threshold are a part.

    Attributes:
        found: the pairs of the lexical, then of the semantic method, as far as they run.
    """

    found: list[Pairs] = field(default_factory=list)

    def survive(self, pairs: Places, similarity: npt.NDArray[np.float64]) -> Dropped:
        """Keep the pairs and drop nothing."""
        self.found.append(Pairs(pairs, similarity))
        nothing: Places = np.empty(0, np.int64)
        return Dropped(nothing, nothing, np.empty(0))

    def fingerprints(self) -> Fingerprints:
        """The shingles of all rows, of which those in pairs are read."""
        return load_fingerprints(*merge_fingerprints(self._sketches, self.work))


@dataclass(frozen=True, slots=True)
class Sweep:
    """All pairs down to the lowest threshold.

    Attributes:
        rows: all rows.
        options: which methods run.
        exact: what the exact method drops at any threshold; None: it does not run.
        lexical: pairs; None: the method does not run.
        semantic: pairs; None: the method does not run.
        prints: fingerprints of all rows; None where no method needed them.
        named: the rows in pairs, ascending.
        rank: place of each of them in the order of survival.
        ties: place of each one's id.
    """

    rows: Rows
    options: DedupOptions
    exact: Dropped | None
    lexical: Pairs | None
    semantic: Pairs | None
    prints: Fingerprints | None
    named: Places
    rank: Places
    ties: Places

    def results_at(self, threshold: float) -> list[MethodResult]:
        """Return what each method would drop.

        Equal to a run at this threshold but for chance at two places: buckets of more than
        `max_partners` rows, which are not compared in full, and, above 3,000 rows, the static
        vectors that choose which rows the semantic method encodes.
        """
        found = []
        gone: Places = np.empty(0, np.int64)
        if self.exact is not None:
            found.append(MethodResult("exact", 1.0, self.exact, {}))
            gone = self.exact.rows
        if self.lexical is not None:
            dropped = self._survive(self.lexical.where(self.lexical_at(threshold)))
            found.append(MethodResult("lexical", threshold, dropped, {}))
            gone = np.union1d(gone, dropped.rows)
        if self.semantic is not None and self.options.semantic is not None:
            needed = self.options.semantic.threshold if self.lexical is not None else threshold
            are_there = ~np.isin(self.semantic.rows[:, :2], gone).any(axis=1)
            pairs = self.semantic.where(are_there & (self.semantic.similarity >= needed))
            found.append(MethodResult("semantic", needed, self._survive(pairs), {}))
        return found

    def lexical_at(self, threshold: float) -> Flags:
        """Mark the lexical pairs that a run at `threshold` finds: bool, shape (m,)."""
        if self.lexical is None or self.prints is None or self.options.lexical is None:
            return np.empty(0, np.bool_)
        limits = limits_of(self.options.lexical)._replace(threshold=threshold)
        alike = self.lexical.similarity >= threshold
        alike |= _are_contained(self.lexical.rows, self.prints, limits)
        shared = np.flatnonzero(alike)
        banding = choose_bands(limits.lowest)
        alike[shared] = share_band(self.prints, self.lexical.rows[shared], banding)
        return alike

    def _survive(self, pairs: Pairs) -> Dropped:
        places = np.searchsorted(self.named, pairs.rows[:, :2])
        dropped = drop_worse(places, pairs.similarity, self.rank, self.ties)
        return Dropped(self.named[dropped.rows], self.named[dropped.matched], dropped.similarity)


def sweep(
    rows: Rows,
    options: DedupOptions,
    lowest: float,
    *,
    encoders: Encoders,
    work: Path,
    mapper: Mapper,
) -> Sweep:
    """Find all pairs down to a threshold.

    Args:
        rows: all rows, those of earlier versions first.
        options: which methods run; the threshold is Jaccard where the lexical one does, which
            leaves the semantic one its own, and else the semantic one's cosine.
        lowest: the lowest threshold that will be asked about.
        encoders: for the semantic method.
        work: directory of intermediate files, which the result maps into memory.
        mapper: runs shards and bands.
    """
    finder = PairFinder(rows, make_plan(at(options, lowest), rows, encoders), work, mapper)
    results = finder.run()
    found = iter(finder.found)  # empty where there are no rows at all
    nothing = Pairs(np.empty((0, 3), np.int64), np.empty(0))
    lexical = next(found, nothing) if options.lexical is not None else None
    semantic = next(found, nothing) if options.semantic is not None else None
    both = [pairs.rows[:, :2].ravel() for pairs in (lexical, semantic) if pairs is not None]
    named: Places = np.unique(np.concatenate([np.empty(0, np.int64), *both]))
    order = rows.order(named)
    return Sweep(
        rows=rows,
        options=options,
        exact=results[0].dropped if options.exact and results else None,
        lexical=lexical,
        semantic=semantic,
        prints=finder.fingerprints() if lexical is not None and results else None,
        named=named,
        rank=order.rank,
        ties=order.ties,
    )


def at(options: DedupOptions, threshold: float) -> DedupOptions:
    """Return options with another threshold: of the lexical method, or of the semantic one alone.

    Jaccard 0.7 is strict, cosine 0.7 is not: one number means one of them.
    """
    given = {"threshold": threshold}
    if options.lexical is not None:
        return options.model_copy(update={"lexical": options.lexical.model_copy(update=given)})
    if options.semantic is not None:
        return options.model_copy(update={"semantic": options.semantic.model_copy(update=given)})
    return options


def share_band(prints: Fingerprints, pairs: Places, banding: Bands) -> Flags:
    """Mark the pairs whose signatures agree in a whole band: bool, shape (m,).

    Args:
        prints: fingerprints of all rows.
        pairs: int64, shape (m, 2 or more): row numbers.
        banding: how signatures are cut.
    """
    factors, terms = permutations(banding.num_perm)
    shared = np.zeros(len(pairs), np.bool_)
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        named, places = rows_in_pairs(pairs[part])
        bands = minhash_rows(*prints, named, factors, terms).reshape(-1, *banding)
        left, right = places.T
        shared[part] = (bands[left] == bands[right]).all(axis=2).any(axis=1)
    return shared


def _are_contained(pairs: Places, prints: Fingerprints, limits: Limits) -> Flags:
    """Mark the pairs that are alike by containment, where that is asked for."""
    sizes = np.diff(prints.offsets)[pairs[:, :2]]
    smaller, larger = sizes.min(axis=1), sizes.max(axis=1)
    contained: Flags = (larger <= SIZE_RATIO * smaller) & (
        pairs[:, 2] >= limits.contained * smaller
    )
    return contained
