"""A mix of groups by shares of rows or tokens: what each may give, and what it came to."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import polars as pl

from quality.select.quotas import apportion, group_rows
from quality.select.walk import Queue, Taken
from schemas.recipe import SelectOptions

WhenShort = Literal["fill", "shrink", "repeat"]


def share_out(
    shares: Sequence[float],
    available: Sequence[int],
    total: int | None,
    when_short: WhenShort,
) -> list[int]:
    """Say how much each group may give at most.

    Args:
        shares: of the whole, one a group, none negative.
        available: what each group has, in rows or tokens.
        total: wanted in all; null: as much as there is.
        when_short: what becomes of the share of a group that has too little.

    Returns:
        In the same unit. `fill`: others take its place; `shrink`: all give so much less that the
        shares hold; `repeat`: it gives all it has, and the others what they would have given.

    Example:
        >>> share_out([0.5, 0.5], [100, 20], 80, "fill")
        [60, 20]
        >>> share_out([0.5, 0.5], [100, 20], 80, "shrink")
        [20, 20]
        >>> share_out([0.5, 0.5], [100, 20], 80, "repeat")
        [40, 20]
    """
    wanted = sum(available) if total is None else total
    if when_short == "fill":
        return apportion(shares, wanted, available)
    if when_short == "shrink":
        fits = [has / share for has, share in zip(available, shares, strict=True) if share]
        wanted = min(wanted, *(math.floor(fit + 1e-9) for fit in fits))
    whole = apportion(shares, wanted, [wanted] * len(shares))
    return [min(given, has) for given, has in zip(whole, available, strict=True)]


def take_within(
    queues: Sequence[Queue],
    budgets: Sequence[int],
    sizes: Sequence[int],
    on_take: Callable[[int], None] | None = None,
) -> Taken:
    """Take rows from queues until each group has used its own budget.

    The next row comes from the group that has used the smallest part of its budget. A row that
    does not fit is passed over; a group is closed at the first misfit that comes when less is
    left of its budget than its rows take on average.

    Args:
        queues: one a group, the best rows first.
        budgets: of each group, in the unit of `sizes`.
        sizes: of every row, by row number.
        on_take: told of every row taken, before the next one is asked for.
    """
    taken, used = Taken(), [0] * len(queues)
    seen = [[0, 0] for _ in queues]  # rows and their size, for the average
    open_groups = [place for place, budget in enumerate(budgets) if budget > 0]
    while open_groups:
        group = min(open_groups, key=lambda place: (used[place] / budgets[place], place))
        row = next(queues[group].rows, None)
        left = budgets[group] - used[group]
        if row is None or left <= 0:
            open_groups.remove(group)
            continue
        seen[group][0] += 1
        seen[group][1] += sizes[row]
        if sizes[row] <= left:
            used[group] += sizes[row]
            taken.rows.append(row)
            taken.tokens += sizes[row]
            if on_take is not None:
                on_take(row)
            continue
        taken.misfits[row] = left
        if left < seen[group][1] / seen[group][0]:
            open_groups.remove(group)
    return taken


class MixLine(NamedTuple):
    """What became of one group of a mix.

    Attributes:
        name: of the group.
        wanted: share that was asked for.
        share: share that it has, in the unit of the mix.
        rows: how many were taken.
        used: how much of the unit they are.
        available: how much there was.
        epochs: how often a training reads its rows for the wanted shares to hold.
    """

    name: str
    wanted: float
    share: float
    rows: int
    used: int
    available: int
    epochs: float


def describe_mix(
    kept: pl.DataFrame, dropped: pl.DataFrame, options: SelectOptions
) -> list[MixLine]:
    """Say what a selection with quotas came to.

    Args:
        kept: what was selected, with the column of the quotas, and `tokens` where the unit is that.
        dropped: the other rows of the pool.
        options: of the selection.

    Returns:
        One line a group that has rows or was asked for. `epochs` is 1 but for `repeat`.
    """
    by_tokens = options.unit == "tokens"
    size = pl.col("tokens") if by_tokens else pl.lit(1)
    columns = pl.col(options.per).cast(pl.String).alias("name"), size.cast(pl.Int64).alias("size")
    both = pl.concat([frame.select(*columns) for frame in (kept, dropped)])
    groups = group_rows(both["name"], options.quotas, both["name"], both["size"])
    table = both.with_columns(place=groups.members, kept=pl.int_range(pl.len()) < kept.height)
    sums = table.group_by("place").agg(
        rows=pl.col("kept").sum(),
        used=pl.col("size").filter("kept").sum(),
        available=pl.col("size").sum(),
    )
    found = {place: rest for place, *rest in sums.iter_rows()}
    total = sum(used for _, used, _ in found.values())
    limit = options.max_tokens if by_tokens else options.max_rows
    wanted = int(both["size"].sum()) if limit is None else limit
    lines = []
    for place, (name, share) in enumerate(zip(groups.names, groups.shares, strict=True)):
        rows, used, available = found.get(place, (0, 0, 0))
        if not share and not available:
            continue
        is_short = options.when_short == "repeat" and 0 < used == available < share * wanted
        epochs = round(share * wanted / used, 2) if is_short else 1.0
        part = round(used / total, 4) if total else 0.0
        lines.append(MixLine(name, round(share, 4), part, rows, used, available, epochs))
    return lines
