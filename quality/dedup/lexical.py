"""Lexical duplicates: MinHash finds candidates, exact Jaccard, leads and guards decide."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from quality.dedup.facts import Verdicts, judge_pairs, row_facts
from quality.dedup.kernels import Hashes, Places
from quality.dedup.masking import mask_templates
from quality.dedup.ordering import in_order_of_survival, pairs_frame
from quality.dedup.search import Limits, alike_pairs, jaccard
from quality.dedup.shingles import (
    CHARACTER_SHINGLE,
    WORD_SHINGLE,
    Fingerprints,
    fingerprint,
    join_columns,
    row_ids,
)
from quality.dedup.survivors import rows_in_pairs

COLUMNS = ("instruction", "input")
THRESHOLD = 0.7


class Cut(NamedTuple):
    """How rows are cut into shingles.

    Attributes:
        columns: compared together; the first one is also compared alone.
        shingle: words in a shingle.
        characters: characters in a shingle where the script writes no spaces.
        mask: templates that do not count, see `mask_templates`.
    """

    columns: tuple[str, ...] = COLUMNS
    shingle: int = WORD_SHINGLE
    characters: int = CHARACTER_SHINGLE
    mask: tuple[str, ...] = ()


def cut_rows(rows: pl.DataFrame, cut: Cut) -> tuple[Fingerprints, Hashes]:
    """Return the shingles of rows, and the template of each as a salt for `band_keys`."""
    masked = mask_templates(join_columns(rows, cut.columns), cut.mask)
    prints = fingerprint(masked.texts, shingle=cut.shingle, characters=cut.characters)
    return prints, masked.salts


def facts_of(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return FACTS of rows with these columns."""
    return row_facts(join_columns(rows, tuple(columns)), join_columns(rows, tuple(columns[:1])))


def judge_found(
    rows: pl.DataFrame, pairs: Places, columns: Sequence[str], *, guards: bool = True
) -> Verdicts:
    """Judge pairs of rows, reading the facts of the rows that are in one.

    Args:
        rows: frame with String `columns`.
        pairs: int64, shape (m, 2 or more): row numbers.
        columns: compared together; the first one also alone.
        guards: whether differing numbers, negations and the like forbid a pair.
    """
    named, places = rows_in_pairs(pairs)
    return judge_pairs(facts_of(rows[named], columns), places, guards=guards)


def lexical_pairs(
    rows: pl.DataFrame,
    *,
    cut: Cut | None = None,
    limits: Limits | None = None,
    guards: bool = True,
) -> pl.DataFrame:
    """Pair the rows whose prompts share most of their shingles, all in memory.

    A pair must pass three tests: Jaccard of the joined columns at least the threshold; where there
    is more than the first column (the instruction), agreement of that alone, since one abstract
    under two questions is two tasks; and no guard may veto.

    Args:
        rows: frame with a unique String `id`, String columns and, where it is known, Float64
            `priority`: the rows that would survive are then compared first, which matters only
            in buckets of more than `max_partners` rows.
        cut: columns and shingles; None: the defaults.
        limits: when two rows are alike; None: Jaccard from 0.7.
        guards: whether differing numbers, negations and the like forbid a pair.

    Returns:
        PAIRS sorted by `id_a`, `id_b`; `similarity` is the exact Jaccard. Does not depend on the
        order of `rows`.

    Raises:
        RunError: if a column is missing or an id occurs twice.
        ValueError: if the threshold is outside (0, 1].

    Source:
        Broder 1997, as datatrove and text-dedup apply it. Differs: every pair is verified and stays
        a pair, no connected components; short rows are whole shingles.
    """
    cut, limits = cut or Cut(), limits or Limits(THRESHOLD)
    row_ids(rows)
    rows = in_order_of_survival(rows)
    prints, salts = cut_rows(rows, cut)
    rank = np.arange(rows.height, dtype=np.int64)
    found = alike_pairs(prints, limits, rank=rank, salts=salts).pairs
    passed = judge_found(rows, found, cut.columns, guards=guards).passed
    return pairs_frame(rows["id"], found[passed], jaccard(found[passed], prints))
