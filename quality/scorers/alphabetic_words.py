"""Prose without words."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import WORD, count_words, is_code

#: Numbers are the content: formulas, tables, columns of figures.
_FIGURES = r"[=≈]|(?m)^.*\|.*\|.*$|\d[,;]?[ \t]+[-+]?\d"
_MIN_WORDS = 10


def alphabetic_words(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output's words that have a letter.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null below ten words and for code, tables, formulas and lists of figures.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, A.1.1: at least 0.8 of the
        words. Differs: silent where figures are the content; any script; list marks are no words.

    Example:
        >>> rows = pl.DataFrame({"output": ["one two three four five % & / ( )", "42"]})
        >>> alphabetic_words(rows).to_list()
        [0.5, None]
    """
    text = pl.col("output").fill_null("")
    bare = text.str.replace_all(r"(?m)^[ \t]*(?:[-*•–]|\(?\d{1,3}[.):])[ \t]", " ")
    words = count_words(bare)
    lettered = bare.str.extract_all(WORD).list.eval(pl.element().str.contains(r"\p{L}")).list.sum()
    told = (words >= _MIN_WORDS) & ~is_code(text) & ~text.str.contains(_FIGURES)
    return measure(rows, "alphabetic_words", pl.when(told).then(lettered / words))
