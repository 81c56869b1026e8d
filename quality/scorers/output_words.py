"""Length of the answer."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words


def output_words(rows: pl.DataFrame) -> pl.Series:
    """Count the words of the output.

    The trivial baseline every other scorer is held against: "longer wins" is right for 77 % of
    expert-revised pairs, and wrong wherever one word is the answer.

    Args:
        rows: frame with `output`.

    Returns:
        Float64, in words; 0.0 for an empty or null output, never null.

    Source:
        Zhao et al. 2024, "Long is more for alignment", https://arxiv.org/abs/2402.04833.
        Differs: words, not tokens, so no tokenizer is needed.

    Example:
        >>> output_words(pl.DataFrame({"output": ["Not at all.", ""]})).to_list()
        [3.0, 0.0]
    """
    return measure(rows, "output_words", count_words(pl.col("output")))
