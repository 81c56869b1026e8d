"""What is read of single rows once it is known which: ids, priorities, facts and texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.dedup.past_shards import PastShard, read_texts
from flows.dedup.shards import Shard, file_schema, gather, read_shard
from quality.dedup.facts import FACTS
from quality.dedup.kernels import Places
from quality.dedup.lexical import facts_of
from quality.dedup.survivors import rank_rows

#: Computes the priority of rows that have none: one Float64 a line.
Scorer = Callable[[pl.DataFrame], pl.Series]


class Order(NamedTuple):
    """Some rows in the order of survival.

    Attributes:
        ids: String, one per row.
        rank: int64: place among them, best first.
        ties: int64: place of the id among them.
    """

    ids: pl.Series
    rank: Places
    ties: Places


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows: those of earlier versions first, then those of the files.

    Attributes:
        past: shards of signatures.
        shards: shards of rows, numbered on from the past ones.
        score: computes the priority where the rows have no column `quality`; None: all are equal.
    """

    past: Sequence[Shard]
    shards: Sequence[Shard]
    score: Scorer | None = None

    @property
    def every(self) -> list[Shard]:
        """All shards in the order of their rows."""
        return [*self.past, *self.shards]

    @property
    def n_past(self) -> int:
        """Number of rows of earlier versions."""
        return sum(shard.rows for shard in self.past)

    @property
    def n_rows(self) -> int:
        """Number of all rows."""
        return self.n_past + sum(shard.rows for shard in self.shards)

    def order(self, rows: Places) -> Order:
        """Put rows in the order of survival: the past, then the best quality, then the id.

        Args:
            rows: int64, ascending and without repeats.
        """
        n_old = int(np.searchsorted(rows, self.n_past))
        ids = self.ids(rows)
        by_id = ids.arg_sort().to_numpy()
        ties = np.empty(len(rows), dtype=np.int64)
        ties[by_id] = np.arange(len(rows))
        nothing = pl.repeat(None, n_old, dtype=pl.Float64, eager=True)
        rank = np.concatenate(
            [
                rank_rows(nothing, ties[:n_old]),
                n_old + rank_rows(self._priority(rows[n_old:]), ties[n_old:]),
            ]
        )
        return Order(ids, rank, ties)

    def ids(self, rows: Places) -> pl.Series:
        """Return the ids of rows (ascending, no repeats)."""
        if not len(rows):
            return pl.Series("id", [], dtype=pl.String)
        return gather(self.every, rows, ["id"])["id"]

    def facts(self, rows: Places, columns: Sequence[str]) -> pl.DataFrame:
        """Return FACTS of rows, stored ones for earlier versions.

        Args:
            rows: int64, ascending and without repeats.
            columns: what is compared; the first one also alone.
        """
        parts = [pl.DataFrame(schema=dict(FACTS))]
        for shard in self.every:
            places = shard.part_of(rows)
            if not places.size:
                continue
            if shard.first < self.n_past:
                parts.append(read_shard(shard, list(FACTS))[places])
            else:
                parts.append(facts_of(read_shard(shard, columns)[places], columns))
        return pl.concat(parts)

    def has_column(self, name: str) -> bool:
        """Whether the files hold a column."""
        return bool(self.shards) and name in file_schema(Path(self.shards[0].path))

    def past_answers(self, rows: Places) -> npt.NDArray[np.uint64]:
        """Return the hash of the answer of rows of earlier versions (ascending, no repeats)."""
        if not len(rows):
            return np.empty(0, dtype=np.uint64)
        return gather(self.past, rows, ["answer"])["answer"].to_numpy()

    def texts(self, rows: Places, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns of rows that have texts, in their order (ascending, no repeats)."""
        own = gather(self.shards, rows[np.searchsorted(rows, self.n_past) :], columns)
        parts = []
        for shard in self.past:
            places = shard.part_of(rows)
            if places.size and isinstance(shard, PastShard):
                parts.append(read_texts(shard, columns)[places])
        return pl.concat([*parts, own] if own.height else parts) if parts else own

    def have_texts(self, rows: Places) -> npt.NDArray[np.bool_]:
        """Whether there are texts of rows: not of earlier versions whose rows are not here."""
        found = np.ones(len(rows), dtype=np.bool_)
        for shard in self.past:
            if not isinstance(shard, PastShard) or shard.data is None:
                found &= (rows < shard.first) | (rows >= shard.first + shard.rows)
        return found

    def textless_versions(self) -> list[str]:
        """Name the earlier versions whose rows are not here."""
        past = [shard for shard in self.past if isinstance(shard, PastShard)]
        return list(dict.fromkeys(shard.label for shard in past if shard.data is None))

    def _priority(self, rows: Places) -> pl.Series:
        nothing = pl.Series("quality", [], dtype=pl.Float64)
        if not len(rows):
            return nothing
        if self.has_column("quality"):
            return gather(self.shards, rows, ["quality"])["quality"].cast(pl.Float64)
        if self.score is None:
            return pl.repeat(None, len(rows), dtype=pl.Float64, eager=True)
        parts = [nothing]
        for shard in self.shards:
            places = shard.part_of(rows)
            if places.size:
                parts.append(self.score(read_shard(shard)[places]))
        return pl.concat(parts)
