"""Answers that are all list."""

import polars as pl

from quality.scorers.measure import measure

_LINE = r"(?m)^.*\S.*$"
_ITEM = r"(?m)^[ \t]*(?:[-*•–◦▪]|\(?\d{1,3}[.):])[ \t]+\S"
_MIN_LINES = 3


def bullet_lines(rows: pl.DataFrame) -> pl.Series:
    r"""Measure the share of the output's lines that are list items.

    A description more than a defect: a bare list is the right answer to "List ten fruits".

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null below three lines.

    Source:
        Rae et al. 2021 (Gopher), https://arxiv.org/abs/2112.11446, A.1.1: at most 0.9 of the lines.
        Differs: numbered items count; silent on answers of one or two lines.

    Example:
        >>> rows = pl.DataFrame({"output": ["- a\n- b\n- c", "So:\n- a\n- b\nEnd."]})
        >>> bullet_lines(rows).to_list()
        [1.0, 0.5]
    """
    text = pl.col("output").fill_null("")
    lines = text.str.count_matches(_LINE)
    share = text.str.count_matches(_ITEM) / lines
    return measure(rows, "bullet_lines", pl.when(lines >= _MIN_LINES).then(share.clip(0, 1)))
