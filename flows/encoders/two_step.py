"""Two steps to the vectors of semantic duplicates: forecast all texts, encode those that matter."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.encoders.sentence import Encoder
from quality.dedup.cosines import Vectors, has_partner
from quality.dedup.guards import guard_keys
from quality.dedup.prescreen import RECALL, Pool, Screened, screen
from quality.dedup.semantic import COLUMNS, THRESHOLD
from quality.dedup.shingles import join_columns

#: Up to here every text goes through the full encoder.
ENCODE_ALL_ROWS = 3_000


class EncodedRows(NamedTuple):
    """What `semantic_pairs` asks for.

    Attributes:
        vectors: float32, shape (n, d); zero rows for the rows that were not encoded.
        instruction_vectors: the same for the first column; zero rows for rows in no similar pair.
        encoded: how many different texts the full encoder read, without first columns.
        expected_recall: estimated share of the pairs at the threshold that are among the rows
            encoded; 1.0 where all were.
    """

    vectors: Vectors
    instruction_vectors: Vectors
    encoded: int
    expected_recall: float


def semantic_candidates(  # noqa: PLR0913 - one call with all that shapes its answer
    rows: pl.DataFrame,
    encoder: Encoder,
    static: Encoder | None = None,
    *,
    columns: tuple[str, ...] = COLUMNS,
    threshold: float = THRESHOLD,
    recall: float = RECALL,
    guards: bool = True,
) -> EncodedRows:
    """Encode the rows that could have a semantic duplicate.

    What this saves and loses on the 52,002 prompts of Alpaca is in benchmarks/dedup/RESULTS.md.

    Args:
        rows: frame with String `columns`.
        encoder: judges; its vectors are returned.
        static: forecasts where there are more than `ENCODE_ALL_ROWS` different texts; None: every
            text is encoded.
        columns: as in `semantic_pairs`.
        threshold: the cosine that `semantic_pairs` will ask for.
        recall: estimated share of the pairs at which to stop, in (0, 1].
        guards: as in `semantic_pairs`: whether rows that a guard keeps apart need no vector.

    Returns:
        Vectors for `semantic_pairs(rows, ...)`, in the order of `rows`. Which texts are encoded
        depends on the set of texts alone.
    """
    joined = join_columns(rows, columns)
    texts, places = _different(joined)
    keys = guard_keys(texts).to_numpy() if guards else np.zeros(len(texts), dtype=np.uint64)
    if static is None or len(texts) <= ENCODE_ALL_ROWS:
        every = np.ones(len(texts), dtype=np.bool_)
        found = Screened(encoder.encode(texts.to_list()), every, 1.0)
    else:
        known = texts.to_list()
        # Two rows of one text are a pair, whatever else there is.
        twice = np.bincount(places, minlength=len(texts)) > 1
        found = screen(
            Pool(known, static.encode(known), keys, twice),
            lambda chosen: encoder.encode([known[row] for row in chosen.tolist()]),
            threshold=threshold,
            recall=recall,
        )
    vectors = found.vectors[places]
    leads = join_columns(rows, columns[:1])
    similar = has_partner(vectors, threshold, keys=keys[places])
    # Where there is no more than the first column, its vector is there already.
    alone = (leads == joined).to_numpy()
    asked = np.where((similar & alone)[:, None], vectors, np.float32(0))
    more = np.flatnonzero(similar & ~alone)
    asked[more] = encoder.encode(leads.gather(more).to_list())
    return EncodedRows(vectors, asked, int(found.read.sum()), found.expected_recall)


def _different(joined: pl.Series) -> tuple[pl.Series, npt.NDArray[np.int64]]:
    """Return the different texts, sorted, and for each row the place of its own among them."""
    ranks = joined.rank("dense").cast(pl.Int64).to_numpy() - 1
    return joined.unique().sort(), ranks
