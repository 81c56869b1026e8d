"""Instruction-following difficulty beside answers of the same length."""

import numpy as np
import polars as pl

from flows.model_scorers.models import Models
from quality.model_scores import ifd as ifd_of
from quality.model_scores import length_residual


def ifd_residual(rows: pl.DataFrame, models: Models) -> pl.Series:
    """Measure by how much a row's IFD is above what is usual for the length of its answer.

    Of the logarithm of `ifd`, as that is a ratio; length is counted in tokens of the answer. A
    row's score depends on the other rows, which say what is usual, and not on their order.

    Args:
        rows: frame with the columns of ROWS.
        models: what gives the language model.

    Returns:
        Float64 in robust standard deviations; null where `ifd` is, everywhere where fewer than 200
        rows have one, and where half of the answers of about that length have one and the same.

    Source:
        See `quality.model_scores.length_residual`.
    """
    given, alone = models.read_answers(rows), models.read_answers_alone(rows)
    logarithms = np.log(ifd_of(given.nats, alone.nats, given.tokens))
    residuals = length_residual(logarithms, given.tokens)
    return pl.Series("ifd_residual", residuals).fill_nan(None)
