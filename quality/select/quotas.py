"""How many rows of each group: shares of a budget, rounded by largest remainder."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import polars as pl

#: Name of the group of all values that a mapping of quotas does not name.
REST: Final = "all others"
#: Stands for a null in the column of the groups.
NONE: Final = "none"
# Quotas of a row that differ by less are equal: 0.1 * 3 is not 0.3 in floating point.
_DIGITS = 9


class Groups(NamedTuple):
    """Rows by group.

    Attributes:
        names: of the groups, sorted, the rest last.
        shares: of the budget, one a group, summing to 1 (0 where there is no row).
        members: Int64, one a row: the place of its group among `names`.
    """

    names: tuple[str, ...]
    shares: tuple[float, ...]
    members: pl.Series


def group_rows(
    values: pl.Series,
    quotas: Mapping[str, float] | Literal["keep"] | None,
    pool: pl.Series,
    sizes: pl.Series | None = None,
) -> Groups:
    """Put every row into a group and give every group its share.

    Args:
        values: String, one a row to choose from.
        quotas: value to its share of the budget, together at most 1, and what is left goes to all
            other values as one group; `keep`: every value has the share that it has in `pool`;
            None: one group.
        pool: String, the values of all rows before anything was dropped.
        sizes: Int64, how much each row of `pool` counts; None: each counts as one.

    Returns:
        Groups; a null value counts as `none`.

    Example:
        >>> values = pl.Series(["code", "maths", "code", "other"])
        >>> group_rows(values, {"maths": 0.5}, values)[:2]
        (('maths', 'all others'), (0.5, 0.5))
    """
    named = values.cast(pl.String).fill_null(NONE)
    if quotas is None:
        shares = {REST: 1.0}
    elif quotas == "keep":
        each = pl.repeat(1, pool.len(), dtype=pl.Int64, eager=True) if sizes is None else sizes
        table = pl.DataFrame({"name": pool.cast(pl.String).fill_null(NONE), "size": each})
        counts = table.group_by("name").agg(pl.col("size").sum()).sort("name")
        whole = max(1, int(each.sum()))
        shares = {str(name): count / whole for name, count in counts.iter_rows()}
    else:
        shares = {name: quotas[name] for name in sorted(quotas)}
        shares[REST] = max(0.0, round(1 - sum(quotas.values()), _DIGITS))
    places = {name: place for place, name in enumerate(shares)}
    members = named.replace_strict(places, default=places.get(REST, 0), return_dtype=pl.Int64)
    return Groups(tuple(shares), tuple(shares.values()), members)


def apportion(shares: Sequence[float], seats: int, most: Sequence[int]) -> list[int]:
    """Give out seats by share, and what a group cannot fill to the others by their shares.

    Args:
        shares: one a group, none negative.
        seats: how many there are.
        most: seats that each group can fill.

    Returns:
        Seats of each group, `min(seats, sum(most))` in all. A group without a share gets some
        only where the others are full.

    Source:
        Largest remainder with the Hare quota; ties go to the earlier group.

    Example:
        >>> apportion([0.5, 0.3, 0.2], 5, [9, 9, 9])
        [3, 1, 1]
        >>> apportion([0.5, 0.3, 0.2], 10, [2, 9, 9])
        [2, 5, 3]
    """
    given = [0] * len(shares)
    while (left := seats - sum(given)) > 0:
        is_open = [full < limit for full, limit in zip(given, most, strict=True)]
        if not any(is_open):
            break
        weights = [share if free else 0.0 for share, free in zip(shares, is_open, strict=True)]
        if not any(weights):
            weights = [float(free) for free in is_open]
        rounded = _round(weights, left)
        given = [
            min(limit, full + more) for full, more, limit in zip(given, rounded, most, strict=True)
        ]
    return given


def _round(weights: Sequence[float], seats: int) -> list[int]:
    """Round `seats` times the weights' shares so that they add up."""
    total = sum(weights)
    exact = [round(seats * weight / total, _DIGITS) for weight in weights]
    floors = [int(quota) for quota in exact]
    by_remainder = sorted(
        (place for place, weight in enumerate(weights) if weight),
        key=lambda place: (-round(exact[place] - floors[place], _DIGITS), place),
    )
    for place in by_remainder[: seats - sum(floors)]:
        floors[place] += 1
    return floors
