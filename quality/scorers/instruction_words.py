"""Length of the task."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words


def instruction_words(rows: pl.DataFrame) -> pl.Series:
    """Count the words of the instruction, without its input.

    Args:
        rows: frame with `instruction`.

    Returns:
        Float64, in words; 0.0 for an empty or null instruction, never null.

    Source:
        Wang et al. 2023 (Self-Instruct), https://arxiv.org/abs/2212.10560, drops instructions of
        3 words or fewer and of more than 150. Differs: only counts; the recipe decides.

    Example:
        >>> instruction_words(pl.DataFrame({"instruction": ["Name a colour."]})).to_list()
        [3.0]
    """
    return measure(rows, "instruction_words", count_words(pl.col("instruction")))
