"""How far a row's task is from all others."""

import polars as pl

from flows.model_scorers.models import Models
from quality.model_scores import outlierness as outlierness_of


def outlierness(rows: pl.DataFrame, models: Models) -> pl.Series:
    """Measure how much lonelier a row's task is than the ten tasks most like it are.

    A row's score depends on the tasks of the other rows, not on their order, nor on how often a
    task occurs.

    Args:
        rows: frame with `instruction` and `input`.
        models: what gives the vectors.

    Returns:
        Float64 above 0, about 1 for most; null where `density` is.

    Source:
        See `quality.model_scores.outlierness`.
    """
    nearest, text_of_row = models.neighbourhood(rows)
    return pl.Series("outlierness", outlierness_of(nearest)[text_of_row]).fill_nan(None)
