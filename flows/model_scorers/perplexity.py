"""How much the language model is surprised by an answer to its question."""

import polars as pl

from flows.model_scorers.models import Models
from quality.model_scores import perplexity as perplexity_of


def perplexity(rows: pl.DataFrame, models: Models) -> pl.Series:
    """Measure the perplexity of a row's answers, each given all that was said before it.

    Low: the model would have said so itself (a template, a copy, a loop). High: rare words, code,
    another language, noise. It falls with the length of the answer. A row's score depends on no
    other row.

    Args:
        rows: frame with the columns of ROWS.
        models: what gives the language model.

    Returns:
        Float64 of at least 1; null without an answer, where the conversation is longer than the
        model's context or the model has no form for its turns.

    Source:
        See `quality.model_scores.perplexity`.
    """
    nats, tokens = models.read_answers(rows)
    return pl.Series("perplexity", perplexity_of(nats, tokens)).fill_nan(None)
