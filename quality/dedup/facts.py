"""What a pair of rows is judged by besides its shingles, kept without any text.

The facts of a row are hashes and small numbers, so they can be published with a version: a later
batch is then compared with it under the same rules as within itself.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from quality.dedup.exact import fold_series
from quality.dedup.guard_tokens import hash_strings
from quality.dedup.guards import GUARD_FEATURES, find_vetoes, guard_features
from quality.dedup.kernels import Places, lcs_lengths
from quality.dedup.shingles import Words, hash_words
from schemas.frames import FrameSchema

#: Agreement of the instructions, as `word_agreement`: the ROUGE-L of Self-Instruct's novelty gate.
#: On Alpaca, 33 of the 34 pairs with a Jaccard >= 0.7 are one input under two different tasks, and
#: their instructions agree by 0.59 at most.
LEAD_AGREEMENT = 0.7

#: What a pair is judged by: the words of the first column, and what the guards look at.
FACTS: FrameSchema = {
    "lead": pl.List(pl.UInt32),
    "lead_text": pl.UInt64,  # hash of the folded first column
    "is_lead": pl.Boolean,  # whether the row is nothing but its first column
    **GUARD_FEATURES,
}


def row_facts(texts: pl.Series, leads: pl.Series) -> pl.DataFrame:
    """Read from texts all that pairs are judged by.

    Args:
        texts: String series: the rows' compared columns, joined.
        leads: their first columns.

    Returns:
        FACTS, one line per row.
    """
    words = hash_words(leads)
    return pl.DataFrame(
        {
            "lead": as_lists(*words),
            "lead_text": hash_strings(fold_series(leads).to_list()),
            "is_lead": texts == leads,
        },
        schema={name: FACTS[name] for name in ("lead", "lead_text", "is_lead")},
    ).hstack(guard_features(texts))


class Verdicts(NamedTuple):
    """What became of pairs.

    Attributes:
        agrees: bool, shape (m,): whether both rows ask the same thing.
        vetoes: String, m values: the guard that forbids the pair; null where none does.
    """

    agrees: npt.NDArray[np.bool_]
    vetoes: pl.Series

    @property
    def passed(self) -> npt.NDArray[np.bool_]:
        """Which pairs are duplicates."""
        passed: npt.NDArray[np.bool_] = self.agrees & self.vetoes.is_null().to_numpy()
        return passed


def judge_pairs(facts: pl.DataFrame, pairs: Places, *, guards: bool = True) -> Verdicts:
    """Judge pairs that share enough.

    Args:
        facts: FACTS.
        pairs: int64, shape (m, 2 or more): lines of `facts`.
        guards: whether differing numbers, negations and the like forbid a pair.

    Returns:
        The verdicts: pairs with both columns must also agree in their first one, since one
        abstract under two questions is two tasks.
    """
    left, right = facts[pairs[:, 0]], facts[pairs[:, 1]]
    # Rows that are nothing but their first column have been compared in full already.
    agrees = (left["is_lead"] & right["is_lead"]).to_numpy().copy()
    asked = np.flatnonzero(~agrees)
    if asked.size:
        agreement = word_agreement(flatten_lists(facts["lead"]), pairs[asked])
        same = (left["lead_text"] == right["lead_text"]).to_numpy()[asked]
        agrees[asked] = same | (agreement >= LEAD_AGREEMENT)
    if not guards:
        return Verdicts(agrees, pl.repeat(None, len(pairs), dtype=pl.String, eager=True))
    features = list(GUARD_FEATURES)
    return Verdicts(agrees, find_vetoes(left.select(features), right.select(features)))


def word_agreement(words: Words, pairs: Places) -> npt.NDArray[np.float64]:
    """Return 2·LCS / (m + n) over the words of pairs of short texts, in 0..1.

    Three-word shingles are too coarse for an instruction of six words: one replaced word would
    cost half of them. The longest common subsequence bears a replaced word and still sees order
    ("Celsius to Fahrenheit" against "Fahrenheit to Celsius" gives 0.5).

    Args:
        words: the texts' words.
        pairs: int64, shape (m, 2 or more): rows of `words`.

    Returns:
        float64, shape (m,); 0 where neither text has a word.
    """
    left, right = np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])
    sizes = np.diff(words.offsets)
    shared = lcs_lengths(*words, left, right)
    agreement: npt.NDArray[np.float64] = 2 * shared / np.maximum(sizes[left] + sizes[right], 1)
    return agreement


def as_lists(values: npt.NDArray[np.generic], offsets: Places) -> pl.Series:
    """Return flat values and where each row starts as a list series."""
    # Arrow's own constructors look for pandas, which takes a second to import.
    content = pl.Series(values).to_arrow()
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, dtype=np.int64))]
    kind = pa.large_list(content.type)
    lists = pa.Array.from_buffers(kind, len(offsets) - 1, buffers, children=[content])
    return pl.Series(pl.from_arrow(lists))


def flatten_lists(lists: pl.Series) -> Words:
    """Return a list series of UInt32 as flat values and where each row starts."""
    offsets = np.zeros(lists.len() + 1, dtype=np.int64)
    np.cumsum(lists.list.len().to_numpy(), out=offsets[1:])
    return Words(lists.explode(empty_as_null=False).to_numpy(), offsets)
