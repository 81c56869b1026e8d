"""Scores computed from what a model said of the rows: arrays in, arrays out; NaN = abstained."""

from quality.model_scores.density import density
from quality.model_scores.ifd import ifd
from quality.model_scores.length_residual import MIN_ROWS, length_residual
from quality.model_scores.neighbours import NEIGHBOURS, Nearest, nearest_neighbours
from quality.model_scores.outlierness import outlierness
from quality.model_scores.perplexity import perplexity

__all__ = [
    "MIN_ROWS",
    "NEIGHBOURS",
    "Nearest",
    "density",
    "ifd",
    "length_residual",
    "nearest_neighbours",
    "outlierness",
    "perplexity",
]
