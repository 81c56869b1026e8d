"""Which rows are published: ranked, spread out and shared out within a budget."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import polars as pl

from quality.select.decisions import Covered, Reasons, explain_drops, over_target
from quality.select.diverse import unlike_kept
from quality.select.k_center import farthest_first
from quality.select.mix import share_out, take_within
from quality.select.nearest import Near, Nearest, Places, Vectors
from quality.select.quotas import Groups, group_rows
from quality.select.ranking import choose_score, rank_rows
from quality.select.walk import Queue, Room, Taken, take_rows
from schemas.errors import InputError, RunError
from schemas.recipe import SelectOptions

#: Int column with the size of a row, needed where there is a budget of tokens.
TOKENS = "tokens"
Walk: TypeAlias = Callable[[Sequence[Queue], Callable[[int], None] | None], Taken]

# Distance of the worst row counts half as much as that of the best.
_LOWEST_WEIGHT = 0.5


class Selection(NamedTuple):
    """Rows that are published, rows that are not, and why.

    Attributes:
        kept: in the order in which they came in.
        dropped: likewise.
        decisions: DECISIONS, one line for each of `dropped`.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame


def choose_rows(
    rows: pl.DataFrame,
    options: SelectOptions,
    *,
    targets: Mapping[str, int],
    vectors: Vectors | None = None,
) -> Selection:
    """Keep as many rows as were asked for, by score, distance and share.

    First every source is cut to its target, by score. What is left is taken row by row: by score
    (`best`), by score without what is too near to a kept row (`diverse`), or the farthest from all
    kept rows first, where a distance counts from full, for the best score, down to half, for the
    worst (`k_center`). With quotas every group has a queue of its own, and `k_center` looks at
    the distances within a group only. Without a budget, `best` and `k_center` keep everything.

    Args:
        rows: ROWS with a score column (see `choose_score`), the String column `options.per` where
            there are quotas, and Int `tokens` where there is `max_tokens`.
        options: what is wanted.
        targets: source name to the number of rows wanted from it.
        vectors: float32, shape (n, d), of the prompts; for `diverse` and `k_center`. Unit rows, or
            zero where there is no text: such a row is near to nothing and no centre.

    Returns:
        Selection; does not depend on the order of `rows`.

    Raises:
        InputError: if there is no such score, or no row of a group whose share must hold.
        RunError: if there are no vectors where they are needed.
    """
    by = choose_score(rows, options.by)
    ranked = rank_rows(rows.with_row_index("_position"), by)
    place = pl.int_range(pl.len()).over("source")
    target = pl.col("source").replace_strict(dict(targets), default=None, return_dtype=pl.Int64)
    surplus = (place >= target).fill_null(value=False)
    ranked = ranked.with_columns(_target=pl.when(surplus).then(target))
    rest = ranked.filter(pl.col("_target").is_null())
    positions = rest["_position"].to_numpy()
    here = None if vectors is None else vectors[positions]
    reasons = _choose(rest, rows, options, here)
    lines = pl.concat(
        [
            over_target(ranked.filter(pl.col("_target").is_not_null())),
            explain_drops(rest, options, reasons),
        ]
    )
    is_kept = np.zeros(rows.height, dtype=np.bool_)
    is_kept[positions[reasons.taken.rows]] = True
    return Selection(rows.filter(is_kept), rows.filter(~is_kept), lines)


def _choose(
    rest: pl.DataFrame, pool: pl.DataFrame, options: SelectOptions, vectors: Vectors | None
) -> Reasons:
    """Take rows, and collect what explains the others."""
    has_budget = options.is_mix or not (options.max_rows is None and options.max_tokens is None)
    quotas = options.quotas if has_budget else None
    per = "id" if quotas is None else options.per  # one group needs no column
    by_tokens = options.unit == "tokens" and quotas is not None
    groups = group_rows(rest[per], quotas, pool[per], pool[TOKENS] if by_tokens else None)
    if not has_budget and options.method != "diverse":
        return Reasons(Taken(rows=list(range(rest.height))), groups)
    members = [
        np.flatnonzero((groups.members == place).to_numpy()) for place in range(len(groups.names))
    ]
    budgets = _budgets(rest, members, groups, options) if options.is_mix else None
    walk = _walk(rest, budgets, options)
    if options.method == "best":
        queues = _queues(groups, members, [iter(rows.tolist()) for rows in members])
        return Reasons(walk(queues, None), groups, budgets=budgets)
    if vectors is None:
        msg = f"expected the vectors of the prompts for {options.method!r}, got none"
        raise RunError(msg)
    nearest = Nearest(vectors)
    if options.method == "diverse":
        too_similar: dict[int, Near] = {}
        limit = options.max_similarity
        streams = [unlike_kept(rows.tolist(), nearest, limit, too_similar) for rows in members]
        queues = _queues(groups, members, streams)
        return Reasons(walk(queues, nearest.add), groups, too_similar, budgets=budgets)
    queues = _queues(groups, members, [_farthest(vectors, rows) for rows in members])
    taken = walk(queues, nearest.add)
    return Reasons(taken, groups, covered=Covered(*nearest.look_at_all()), budgets=budgets)


def _walk(rest: pl.DataFrame, budgets: list[int] | None, options: SelectOptions) -> Walk:
    """How rows are taken from queues: within the budget of each group, or within one for all."""
    if budgets is not None:
        sizes = _sizes(rest, options)
        return lambda queues, on_take: take_within(queues, budgets, sizes, on_take)
    room = None
    if options.max_tokens is not None:
        room = Room(rest[TOKENS].to_list(), options.max_tokens)
    return lambda queues, on_take: take_rows(queues, options.max_rows, room, on_take)


def _budgets(
    rest: pl.DataFrame, members: Sequence[Places], groups: Groups, options: SelectOptions
) -> list[int]:
    """What each group of a mix may give."""
    sizes = np.array(_sizes(rest, options), dtype=np.int64)
    available = [int(sizes[rows].sum()) for rows in members]
    if options.when_short != "fill":
        _require_rows(groups, available, options)
    total = options.max_tokens if options.unit == "tokens" else options.max_rows
    return share_out(groups.shares, available, total, options.when_short)


def _require_rows(groups: Groups, available: Sequence[int], options: SelectOptions) -> None:
    for name, share, has in zip(groups.names, groups.shares, available, strict=True):
        if share and not has:
            msg = (
                f"select.quotas: expected rows of {name!r} for its share of {share:g}, got none "
                f"with that {options.per}: correct the name, or let the shares add up to 1"
            )
            raise InputError(msg)


def _sizes(rest: pl.DataFrame, options: SelectOptions) -> list[int]:
    return rest[TOKENS].to_list() if options.unit == "tokens" else [1] * rest.height


def _farthest(vectors: Vectors, rows: Places) -> Iterator[int]:
    """Yield some rows, the farthest first; the better a row's rank, the more a distance counts."""
    lowered = rows / max(1, len(vectors) - 1) * (1 - _LOWEST_WEIGHT)
    for place in farthest_first(vectors[rows], 1 - lowered):
        yield int(rows[place])


def _queues(
    groups: Groups, members: Sequence[Places], streams: Sequence[Iterator[int]]
) -> list[Queue]:
    return [
        Queue(share, stream, len(rows))
        for share, rows, stream in zip(groups.shares, members, streams, strict=True)
    ]
