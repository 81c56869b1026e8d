"""Length of the answer in characters."""

import polars as pl

from quality.scorers.measure import measure


def length(rows: pl.DataFrame) -> pl.Series:
    """Count the characters of the output.

    The plainest baseline: what does not beat it is not worth its time.

    Args:
        rows: frame with `output`.

    Returns:
        Float64, in characters; 0.0 for an empty or null output, never null.

    Source:
        Zhao et al. 2024, "Long is more for alignment", https://arxiv.org/abs/2402.04833.
        Differs: characters, not tokens, so no tokenizer is needed.

    Example:
        >>> length(pl.DataFrame({"output": ["Not at all.", ""]})).to_list()
        [11.0, 0.0]
    """
    return measure(rows, "length", pl.col("output").fill_null("").str.len_chars())
