"""How many tasks like a row's there are."""

import polars as pl

from flows.model_scorers.models import Models
from quality.model_scores import density as density_of


def density(rows: pl.DataFrame, models: Models) -> pl.Series:
    """Measure how near a row's task (instruction and input) is to the ten most like it.

    A row's score depends on the tasks of the other rows, not on their order, nor on how often a
    task occurs.

    Args:
        rows: frame with `instruction` and `input`.
        models: what gives the vectors.

    Returns:
        Float64 in -1..1; null for a row without words, and everywhere where there are ten or fewer
        other tasks.

    Source:
        See `quality.model_scores.density`.
    """
    nearest, text_of_row = models.neighbourhood(rows)
    return pl.Series("density", density_of(nearest)[text_of_row]).fill_nan(None)
