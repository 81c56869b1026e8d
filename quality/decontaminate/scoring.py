"""Whether a text rephrases an item, given how near an encoder finds the two."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.decontaminate.content import cut_tokens, term_of
from quality.decontaminate.hits import HITS
from quality.decontaminate.items import BenchmarkItem
from quality.decontaminate.rephrased import Candidates

#: What all of the content in common is worth beside half of it, in cosine: half of this.
AGREEMENT_WORTH: Final = 0.4
#: What is asked for in addition where no number agrees, in cosine.
WITHOUT_NUMBERS: Final = 0.1
_DECIMALS = 6


def score_pairs(pairs: pl.DataFrame, cosines: npt.NDArray[np.floating]) -> pl.Series:
    """Correct the cosines of pairs by what their content says.

    The fewer words two texts have in common, the nearer they must be. A pair with half of its
    content in common, numbers among it, is scored by its cosine.

    Args:
        pairs: PAIRS.
        cosines: shape (pairs,).

    Returns:
        Float64 series, at most 1, rounded to six decimals.

    Example:
        >>> pairs = pl.DataFrame({"agreement": [0.5, 0.25], "has_numbers": [True, False]})
        >>> score_pairs(pairs, np.array([0.9, 0.9])).to_list()
        [0.9, 0.7]
    """
    content = AGREEMENT_WORTH * (pl.col("agreement") - 0.5)
    penalty = pl.when("has_numbers").then(0.0).otherwise(WITHOUT_NUMBERS)
    cosine = pl.Series("cosine", cosines.astype(np.float64))
    score = (pl.lit(cosine) + content - penalty).clip(upper_bound=1.0)
    return pairs.select(score=score.round(_DECIMALS))["score"]


def rephrased_hits(
    candidates: Candidates,
    items: Sequence[BenchmarkItem],
    cosines: npt.NDArray[np.floating],
    *,
    threshold: float,
) -> pl.DataFrame:
    """Return the rows that rephrase an item.

    Args:
        candidates: what was compared.
        items: the benchmarks.
        cosines: of `candidates.pairs`.
        threshold: score that a pair must reach (see `score_pairs`), inclusive.

    Returns:
        HITS, rule benchmark_semantic: value is the score, similarity the cosine.
    """
    scored = candidates.pairs.with_columns(
        value=score_pairs(candidates.pairs, cosines),
        similarity=pl.Series(cosines.astype(np.float64)).round(_DECIMALS),
    )
    good = scored.filter(pl.col("value") >= threshold)
    shared = [
        _shared_words(candidates.texts[text], items[item].whole)
        for text, item in good.select("text", "item").iter_rows()
    ]
    hits = good.with_columns(
        rule=pl.lit("benchmark_semantic"),
        threshold=pl.lit(threshold, dtype=pl.Float64),
        shared=pl.Series(shared, dtype=pl.String),
    )
    return hits.join(candidates.rows, on="text").select(list(HITS))


def _shared_words(text: str, item: str) -> str:
    """Name the numbers and content words of an item that a text has too, the numbers first."""
    mine, others = cut_tokens(pl.Series([text, item])).to_list()
    terms = {term.name for token in mine if (term := term_of(token))}
    named: dict[str, str] = {}
    for token in others:
        term = term_of(token)
        if term is not None and term.name in terms:
            named.setdefault(term.name, token)
    return ", ".join(named[term] for term in sorted(named, key=lambda term: term[0] != "#"))
