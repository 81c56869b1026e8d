"""Instruction-following difficulty, as its papers define it."""

import polars as pl

from flows.model_scorers.models import Models
from quality.model_scores import ifd as ifd_of


def ifd(rows: pl.DataFrame, models: Models) -> pl.Series:
    """Measure how little the questions help the language model to expect the answers.

    The papers drop rows of 1 and more, and take the highest of the rest. It rises with the length
    of the answer: `ifd_residual` is what length does not explain. A row's score depends on no
    other row.

    Args:
        rows: frame with the columns of ROWS.
        models: what gives the language model.

    Returns:
        Float64 above 0; null where `perplexity` is.

    Source:
        See `quality.model_scores.ifd`. Differs from Cherry: any model, by default a small one and
        not trained before, as in Superfiltering; in the form of its own chat template, and alone
        an answer has the template's sign before it that an answer begins. Answers of several turns
        count together, by tokens.
    """
    given, alone = models.read_answers(rows), models.read_answers_alone(rows)
    return pl.Series("ifd", ifd_of(given.nats, alone.nats, given.tokens)).fill_nan(None)
