"""Selection: the rows worth publishing where there are more than wanted."""

from collections.abc import Mapping

import polars as pl

from quality.select.rows import Selection, choose_rows
from schemas.recipe import SelectOptions

__all__ = ["Selection", "choose_rows", "select_rows"]


def select_rows(
    rows: pl.DataFrame, *, targets: Mapping[str, int], max_rows: int | None
) -> Selection:
    """Keep the rows with the highest score, per source and then in all."""
    return choose_rows(rows, SelectOptions(max_rows=max_rows), targets=targets)
