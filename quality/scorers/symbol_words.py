"""Prose full of signs."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words, is_code

#: Signs that prose does not need, and runs of the marks that it does.
_SYMBOL = r"[#~^|<>{}\\@§¤¦\p{So}]|…|\.{3,}|[!?]{3,}|_{2,}|={2,}"
#: Marks of Markdown, hashtags and addresses mean something where they stand.
_MEANT = r"(?m)^[ \t]*(?:#{1,6}|>+)[ \t]|#\w+|\S+@\S+\.\w+|\p{Emoji_Presentation}"
#: A table, a formula, a chess board: signs are the content.
_DRAWN = r"(?m)^.*\|.*\|.*$|[=≤≥≈]\s*[\d(\p{L}]|\\[a-zA-Z]+\{|\$[^$\n]+\$"
_MIN_WORDS = 10


def symbol_words(rows: pl.DataFrame) -> pl.Series:
    """Measure how many stray signs the output has for a word.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1, signs over words; null below ten words and for code, tables and formulas.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, A.1.1: "#" and "..." over words
        at most 0.1; Raffel et al. 2020 (C4), https://arxiv.org/abs/1910.10683, drops pages with
        "{". Differs: more signs, but Markdown, hashtags, emoji, code and formulas are let alone.

    Example:
        >>> rows = pl.DataFrame({"output": ["a ~ b ~ c ~ d ~ e ~ f ~ ~", "a b c d e f g h i j"]})
        >>> symbol_words(rows).round(2).to_list()
        [0.54, 0.0]
    """
    text = pl.col("output").fill_null("")
    words = count_words(text)
    signs = text.str.replace_all(_MEANT, " ").str.count_matches(_SYMBOL)
    told = (words >= _MIN_WORDS) & ~is_code(text) & ~text.str.contains(_DRAWN)
    return measure(rows, "symbol_words", pl.when(told).then((signs / words).clip(0, 1)))
