"""One phrase that fills the answer."""

import polars as pl

from quality.words import ngrams, per_row

_GRAM_WORDS = 3
#: Fewer grams than these, or a phrase said less often, are no pattern yet.
_MIN_GRAMS, _MIN_TIMES = 20, 3


def dominant_phrase(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output that its commonest word 3-gram fills.

    Prose stays below 0.05, lists with a common frame below 0.3, a loop of three words is near 1.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; 0.0 where no 3-gram occurs three times; null below 22 words.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, table A1: top 3-gram at most
        0.18 of the characters. Differs: counted in words, and silent on short answers, which one
        phrase may fill.

    Example:
        >>> rows = pl.DataFrame({"output": ["very good and " * 8, "Yes."]})
        >>> dominant_phrase(rows).to_list()
        [1.0, None]
    """
    grams = ngrams(rows["output"], _GRAM_WORDS).group_by("row", "gram").agg(pl.len())
    most = grams.group_by("row").agg(pl.col("len").max(), grams=pl.col("len").sum())
    times = pl.when(pl.col("len") >= _MIN_TIMES).then("len").otherwise(0)
    share = times * _GRAM_WORDS / (pl.col("grams") + _GRAM_WORDS - 1)
    known = most.filter(pl.col("grams") >= _MIN_GRAMS).select("row", value=share.clip(0, 1))
    return per_row(known, rows.height).alias("dominant_phrase")
