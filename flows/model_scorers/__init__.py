"""Scorers that need a model: hours on a CPU where others take seconds, so off by default.

Each adds one Float64 column to a ROWS frame; null means that it cannot tell.
"""

import difflib
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import polars as pl

from flows.model_scorers.density import density
from flows.model_scorers.ifd import ifd
from flows.model_scorers.ifd_residual import ifd_residual
from flows.model_scorers.models import Models
from flows.model_scorers.outlierness import outlierness
from flows.model_scorers.perplexity import perplexity
from schemas.errors import InputError

ModelScorer: TypeAlias = Callable[[pl.DataFrame, Models], pl.Series]

MODEL_SCORERS: Final[dict[str, ModelScorer]] = {
    "perplexity": perplexity,
    "ifd": ifd,
    "ifd_residual": ifd_residual,
    "density": density,
    "outlierness": outlierness,
}


def add_model_scores(rows: pl.DataFrame, names: Sequence[str], models: Models) -> pl.DataFrame:
    """Add one column per named scorer.

    Args:
        rows: frame with the columns of ROWS; a column that is already there is computed anew.
        names: keys of MODEL_SCORERS.
        models: what the scorers ask; nothing is loaded that none of them needs.

    Returns:
        `rows` with the new columns, in the order of `names`.

    Raises:
        InputError: if a name is not a scorer, or a model cannot be loaded.
    """
    for place, name in enumerate(names):
        if name not in MODEL_SCORERS:
            near = difflib.get_close_matches(str(name), MODEL_SCORERS, n=1, cutoff=0.5)
            expected = repr(near[0]) if near else f"one of {', '.join(MODEL_SCORERS)}"
            msg = f"scorers[{place}]: expected {expected}, got {name!r}"
            raise InputError(msg)
    wanted = list(dict.fromkeys(names))
    scores = [MODEL_SCORERS[name](rows, models) for name in wanted]
    return rows.drop(*wanted, strict=False).with_columns(scores)
