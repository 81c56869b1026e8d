"""Languages that belong in the dataset."""

import polars as pl

from quality.filters.check import Check, Codes, require_column

_DEFAULT: Codes = ["en"]


def language(column: str = "output", *, value: Codes = _DEFAULT) -> Check:
    """Keep rows whose output is in one of the languages `value`.

    Args:
        column: "output", the text the `language` scorer reads.
        value: ISO 639-1 codes, such as ["en", "de"].

    Returns:
        A check that abstains where the language cannot be told; it measures 1.0 for a wanted
        language and 0.0 for another.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.language`.

    Example:
        >>> frame = pl.DataFrame({"output": ["a", "b", "c"], "language": ["de", "fr", None]})
        >>> frame.select(language(value=["en", "de"]).keep).to_series().to_list()
        [True, False, None]
    """
    require_column(column, "output")
    wanted = pl.col("language").is_in(value)
    return Check(
        measured=wanted.cast(pl.Float64),
        keep=wanted,
        threshold=1.0,
        evidence=pl.format("{}: {}", pl.col("language"), pl.col(column).str.slice(0, 60)),
        scorers=("language",),
    )
