"""Variety of the answer's words."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import terms

_WINDOW_WORDS = 100
_MIN_WORDS = 10


def lexical_diversity(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of distinct words among the first 100 words of the output.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null for outputs of fewer than 10 words.

    Source:
        Type-token ratio; Covington & McFall 2010, https://doi.org/10.1080/09296171003643098, on
        why it needs a fixed window. Differs: one window at the start instead of a moving mean.

    Example:
        >>> frame = pl.DataFrame({"output": ["one two three four five " * 2, "Yes."]})
        >>> lexical_diversity(frame).to_list()
        [0.5, None]
    """
    words = terms(pl.col("output")).list.head(_WINDOW_WORDS)
    share = words.list.n_unique() / words.list.len()
    enough = words.list.len() >= _MIN_WORDS
    return measure(rows, "lexical_diversity", pl.when(enough).then(share))
