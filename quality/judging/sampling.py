"""Samples of rows that look like all of them: over sources, lengths and qualities, by hash."""

import hashlib
from collections.abc import Sequence
from typing import Final

import polars as pl

_BINS: Final = 5


def draw(name: str, *, seed: int, purpose: str) -> float:
    """Return a number in 0..1 that depends on nothing but the arguments.

    Args:
        name: id of the row.
        seed: of the recipe.
        purpose: what is drawn; another one, other numbers.

    Example:
        >>> draw("row", seed=0, purpose="sample")
        0.49782143554536873
    """
    text = f"{purpose}\x1f{seed}\x1f{name}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") / 2**48


def stratified_ids(
    rows: pl.DataFrame, count: int, *, seed: int, score: str = "quality"
) -> list[str]:
    """Choose rows so that every source, length and quality has its part.

    The strata are source x fifth of the answers' length x fifth of `score` (rows without one are a
    stratum of their own). Each gets one row, the largest first, then its share of the rest;
    within a stratum a hash of id and seed decides.

    Args:
        rows: columns `id` (unique), `source`, `output`, and `score` if there is one.
        count: rows wanted.
        seed: of the recipe.
        score: column of a score.

    Returns:
        Ids, sorted; all of them where there are no more than wanted. The order of the rows makes
        no difference.
    """
    if rows.height <= count:
        return sorted(rows["id"].to_list())
    value = pl.col(score).cast(pl.Float64) if score in rows.columns else pl.lit(None, pl.Float64)
    length = pl.col("output").fill_null("").str.len_chars().cast(pl.Float64)
    placed = rows.select(
        "id",
        pl.col("source").fill_null(""),
        _bin(length).alias("length"),
        _bin(value).fill_null(-1).alias("value"),
        pl.Series("draw", [draw(name, seed=seed, purpose="sample") for name in rows["id"]]),
    ).sort("source", "length", "value", "draw", "id")
    strata = placed.group_by("source", "length", "value", maintain_order=True).agg(pl.len())
    quotas = allocate(strata["len"].to_list(), count)
    starts = strata.with_columns(pl.Series("quota", quotas, dtype=pl.Int64))
    joined = placed.join(starts, on=["source", "length", "value"], maintain_order="left")
    place = pl.int_range(pl.len()).over("source", "length", "value")
    return sorted(joined.filter(place < pl.col("quota"))["id"].to_list())


def allocate(sizes: Sequence[int], count: int) -> list[int]:
    """Share out `count` places: one for each, the largest first, the rest by size.

    Args:
        sizes: of the strata.
        count: at most their sum.

    Returns:
        Places for each, never more than its size, `count` in all.

    Source:
        Hamilton's largest remainders. Ties go to the earlier one.

    Example:
        >>> allocate([90, 9, 1], 10)
        [7, 2, 1]
    """
    by_size = sorted(range(len(sizes)), key=lambda place: (-sizes[place], place))
    given = [0] * len(sizes)
    for place in by_size[:count]:
        given[place] = min(1, sizes[place])
    rest = count - sum(given)
    left = [size - has for size, has in zip(sizes, given, strict=True)]
    wanted = [rest * size / max(1, sum(left)) for size in left]
    given = [has + int(more) for has, more in zip(given, wanted, strict=True)]
    by_remainder = sorted(
        range(len(sizes)), key=lambda place: (int(wanted[place]) - wanted[place], place)
    )
    for place in by_remainder[: count - sum(given)]:
        given[place] += 1
    return given


def _bin(value: pl.Expr) -> pl.Expr:
    """Number of the fifth that a value falls into; equal values share one, null has none."""
    rank = value.rank("max") / value.count()
    return (rank * _BINS).ceil().cast(pl.Int64)
