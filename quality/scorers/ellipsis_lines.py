"""Lines that trail off."""

import polars as pl

from quality.scorers.measure import measure

_LINE = r"(?m)^.*\S.*$"
_TRAILS = r"(?m)(?:\.\.\.|…)[\"”’)\]*_]*[ \t]*$"
_MIN_LINES = 3


def ellipsis_lines(rows: pl.DataFrame) -> pl.Series:
    r"""Measure the share of the output's lines that end in an ellipsis.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null below three lines, where one hesitation would be a third.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, A.1.1: at most 0.3 of the lines.
        Differs: silent on answers of one or two lines.

    Example:
        >>> rows = pl.DataFrame({"output": ["Once…\nupon...\na time.", "Well..."]})
        >>> ellipsis_lines(rows).round(2).to_list()
        [0.67, None]
    """
    text = pl.col("output").fill_null("")
    lines = text.str.count_matches(_LINE)
    share = text.str.count_matches(_TRAILS) / lines
    enough = pl.when(lines >= _MIN_LINES).then(share.clip(0, 1))
    return measure(rows, "ellipsis_lines", enough)
