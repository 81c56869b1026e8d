"""Loops and repeated phrases in the answer."""

import polars as pl

from quality.words import ngrams, per_row

_GRAM_WORDS = 4
_MIN_GRAMS = 12


def repetition(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output's word 4-grams that occurred before in the same output.

    A looping model comes near 1; prose stays below 0.05; lists with a common frame ("The capital
    of X is Y") reach 0.3.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null for outputs of fewer than 15 words, too short to repeat themselves.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, table A1: duplicate 5- to
        10-grams by characters. Differs: one gram size, short enough for answers of a paragraph,
        counted in grams.

    Example:
        >>> frame = pl.DataFrame({"output": ["very good and " * 8, "Yes."]})
        >>> repetition(frame).round(2).to_list()
        [0.86, None]
    """
    grams = ngrams(rows["output"], _GRAM_WORDS)
    shares = grams.group_by("row").agg(pl.len(), distinct=pl.col("gram").n_unique())
    long_enough = shares.filter(pl.col("len") >= _MIN_GRAMS)
    values = long_enough.select("row", value=1 - pl.col("distinct") / pl.col("len"))
    return per_row(values, rows.height).alias("repetition")
