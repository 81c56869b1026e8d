"""Runs the methods in order over shards on disk; each sees what the one before it kept.

Only arrays of numbers are held for all rows; texts and ids are read again for the rows that turn
out to be in a pair. The result does not depend on the order of rows, on shards or on workers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from flows.dedup.answers import SAME_ANSWER, answer_agreement
from flows.dedup.bands import BandTask, search_bands, search_crowded
from flows.dedup.mapping import Mapper, thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.sketch import (
    SketchTask,
    load_exact,
    load_fingerprints,
    merge_fingerprints,
    sketch_shard,
)
from quality.dedup.exact import exact_duplicates
from quality.dedup.facts import judge_pairs
from quality.dedup.kernels import Places
from quality.dedup.lexical import THRESHOLD, Cut
from quality.dedup.minhash import Bands, choose_bands
from quality.dedup.search import Found, Limits, jaccard, load_kernels, merge
from quality.dedup.survivors import Dropped, drop_worse, largest_group_share, rows_in_pairs

# Fewer rows in a group alarm nobody.
_ALARM_ROWS = 20

#: Semantic pairs of the rows that are left: row numbers, cosines, figures for the manifest.
SemanticSearch = Callable[[Places], tuple[Places, npt.NDArray[np.float64], dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for.

    Attributes:
        exact: columns that exact duplicates have in common; None: the method is off.
        cut: how rows are cut into shingles; None: the lexical method is off.
        limits: when two rows are alike.
        guards: whether differing numbers, negations and the like forbid a pair.
        banding: how signatures are cut; None: chosen for the lowest similarity asked for.
        semantic: finds semantic pairs; None: the method is off.
        semantic_threshold: the cosine that it asks for.
        alarm_share: share of all rows in one group from which it is called out.
        all_answers: whether rows of one prompt with different answers all stay.
    """

    exact: tuple[str, ...] | None
    cut: Cut | None
    limits: Limits = Limits(THRESHOLD)  # noqa: RUF009  a named tuple
    guards: bool = True
    banding: Bands | None = None
    semantic: SemanticSearch | None = None
    semantic_threshold: float = 0.9
    alarm_share: float = 0.05
    all_answers: bool = False

    @property
    def bands(self) -> Bands:
        """How signatures are cut."""
        return self.banding or choose_bands(self.limits.lowest)


class MethodResult(NamedTuple):
    """What one method found.

    Attributes:
        method: its name.
        threshold: the similarity that sufficed.
        dropped: the rows that go.
        notes: figures for the manifest.
    """

    method: str
    threshold: float
    dropped: Dropped
    notes: dict[str, Any]


@dataclass(slots=True)
class Engine:
    """One deduplication.

    Attributes:
        rows: all rows.
        plan: what is asked for.
        work: directory of its files; a run that was killed goes on from what is there.
        mapper: runs the shards and bands.
        dead: rows that have been dropped so far, ascending.
    """

    rows: Rows
    plan: Plan
    work: Path
    mapper: Mapper = field(default_factory=lambda: thread_mapper(1))
    dead: Places = field(default_factory=lambda: np.empty(0, np.int64))
    _sketches: list[str] = field(default_factory=list)

    def run(self) -> list[MethodResult]:
        """Run the methods and return what each dropped."""
        if not self.rows.shards:
            return []
        if self.plan.cut is not None:
            load_kernels()
        self.work.mkdir(parents=True, exist_ok=True)
        results = []
        if self.plan.exact is not None or self.plan.cut is not None:
            self._sketches = self.mapper(sketch_shard, self._sketch_tasks(), "reading shingles")
        if self.plan.exact is not None:
            results.append(self._finish("exact", 1.0, self._exact(), {}))
        if self.plan.cut is not None:
            pairs, similarity, notes = self.lexical_pairs()
            threshold = self.plan.limits.threshold
            results.append(
                self._finish("lexical", threshold, self.survive(pairs, similarity), notes)
            )
        if self.plan.semantic is not None:
            alive = np.setdiff1d(np.arange(self.rows.n_rows), self.dead, assume_unique=True)
            pairs, similarity, notes = self.plan.semantic(alive)
            pairs, similarity = self._without_choices(pairs, similarity)
            dropped = self.survive(pairs, similarity)
            results.append(self._finish("semantic", self.plan.semantic_threshold, dropped, notes))
        return results

    def lexical_pairs(self) -> tuple[Places, npt.NDArray[np.float64], dict[str, Any]]:
        """Find the lexical pairs among the rows that are left.

        Returns:
            Row numbers, int64, shape (m, 3); their Jaccard similarity; figures for the manifest.
        """
        cut = self.plan.cut
        if cut is None:
            msg = "expected a plan with the lexical method"
            raise ValueError(msg)
        hashes, offsets = merge_fingerprints(self._sketches, self.work)
        dead = self.work / "dead.npy"
        np.save(dead, self.dead)
        task = BandTask(
            folder=str(self.work),
            sketches=self._sketches,
            hashes=str(hashes),
            offsets=str(offsets),
            limits=self.plan.limits,
            banding=self.plan.bands,
            n_past=self.rows.n_past,
            dead=str(dead),
        )
        found = search_bands(task, self.mapper)
        if found.crowded.any():
            found = self._with_crowded(found, task)
        similarity = jaccard(found.pairs, load_fingerprints(hashes, offsets))
        passed = self._judge(found.pairs, cut.columns)
        bands, length = self.plan.bands
        notes = {
            "bands": bands,
            "band_rows": length,
            "expected_recall": round(self.plan.bands.chance(self.plan.limits.threshold), 5),
            "compared": found.compared,
            "alike": len(found.pairs),
            "parted_by_lead_or_guard": int((~passed).sum()),
        }
        pairs, similarity = self._without_choices(found.pairs[passed], similarity[passed])
        return pairs, similarity, notes

    def survive(self, pairs: Places, similarity: npt.NDArray[np.float64]) -> Dropped:
        """Choose which rows of pairs go.

        Args:
            pairs: int64, shape (m, 2 or more): row numbers.
            similarity: float64, shape (m,).
        """
        named, places = rows_in_pairs(pairs)
        order = self.rows.order(named)
        dropped = drop_worse(places, similarity, order.rank, order.ties)
        return Dropped(named[dropped.rows], named[dropped.matched], dropped.similarity)

    def _sketch_tasks(self) -> list[SketchTask]:
        return [
            SketchTask(
                shard=shard,
                folder=str(self.work / f"shard-{shard.number:05}"),
                exact=self.plan.exact,
                cut=self.plan.cut,
                banding=self.plan.bands,
                is_past=shard.first < self.rows.n_past,
            )
            for shard in self.rows.every
        ]

    def _exact(self) -> Dropped:
        keys = load_exact(self._sketches)
        named = _repeated(keys)
        order = self.rows.order(named)
        dropped = exact_duplicates(keys[named], order.rank)
        rows, matched = named[dropped.rows], named[dropped.matched]
        is_new = rows >= self.rows.n_past  # two earlier versions may well share a row
        return Dropped(rows[is_new], matched[is_new], dropped.similarity[is_new])

    def _with_crowded(self, found: Found, task: BandTask) -> Found:
        """Search the large buckets too, in the order in which their rows would survive."""
        crowded = np.flatnonzero(found.crowded)
        rank = self.rows.order(crowded).rank
        return merge([found, search_crowded(task, crowded, rank, self.mapper)])

    def _judge(self, pairs: Places, columns: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        if not self.plan.guards and len(columns) == 1:
            return np.ones(len(pairs), dtype=np.bool_)  # compared in full already
        named, places = rows_in_pairs(pairs)
        facts = self.rows.facts(named, columns)
        return judge_pairs(facts, places, guards=self.plan.guards).passed

    def _without_choices(
        self, pairs: Places, similarity: npt.NDArray[np.float64]
    ) -> tuple[Places, npt.NDArray[np.float64]]:
        """Leave out the pairs that answer differently, where all answers are to stay."""
        if not self.plan.all_answers:
            return pairs, similarity
        same = answer_agreement(self.rows, pairs) >= SAME_ANSWER
        return pairs[same], similarity[same]

    def _finish(
        self, method: str, threshold: float, dropped: Dropped, notes: dict[str, Any]
    ) -> MethodResult:
        """Take the dropped rows out of the game and look for a group that is too large."""
        self.dead = np.union1d(self.dead, dropped.rows)
        n_rows = self.rows.n_rows - self.rows.n_past
        share = largest_group_share(dropped.matched, n_rows)
        notes = {"dropped": len(dropped.rows), "largest_group_share": round(share, 4), **notes}
        if share >= self.plan.alarm_share and share * n_rows > _ALARM_ROWS:
            notes["alarm"] = (
                f"one group holds {share:.0%} of all rows: a shared template? raise the threshold, "
                "or name the template under dedup.lexical.mask"
            )
        return MethodResult(method, threshold, dropped, notes)


def _repeated(keys: npt.NDArray[np.uint64]) -> Places:
    """Return the rows whose key occurs more than once: int64, ascending."""
    filled = np.flatnonzero(keys.any(axis=1))
    order = filled[np.lexsort((keys[filled, 1], keys[filled, 0]))]
    same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    is_repeated = np.zeros(len(order), dtype=np.bool_)
    is_repeated[1:] |= same
    is_repeated[:-1] |= same
    repeated: Places = np.sort(order[is_repeated])
    return repeated
