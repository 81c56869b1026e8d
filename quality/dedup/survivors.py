"""From verified pairs to the rows that go: the best row of every pair stays.

No transitive closure: A~B and B~C do not make C a duplicate of A. Closure is what wiped
859,092 templated rows down to 2 (marin#6854).
"""

import polars as pl

from quality.dedup.exact import EQUAL
from schemas.errors import RunError
from schemas.frames import FrameSchema, empty_frame

#: A row that goes, the kept row that it duplicates and how much.
DROPPED: FrameSchema = {
    "id": pl.String,
    "matched_id": pl.String,
    "similarity": pl.Float64,
    "evidence": pl.String,
}


def choose_survivors(priorities: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Drop every row that duplicates a better row which itself is kept.

    Rows are taken by priority (highest first, null last), then by id. A row goes if and only if
    it has a pair with a row already kept.

    Args:
        priorities: columns `id` (String, unique) and `priority` (Float64, null and NaN = unknown);
            one line per row of the dataset.
        pairs: PAIRS; every id must occur in `priorities`.

    Returns:
        DROPPED, sorted by id. `matched_id` is the most similar kept row, the smallest id of equals.

    Raises:
        RunError: if an id is not unique, or a pair names a row that is not there.

    Example:
        >>> rows = pl.DataFrame({"id": ["a", "b", "c"], "priority": [0.1, 0.9, 0.5]})
        >>> pairs = pl.DataFrame({"id_a": ["a", "b"], "id_b": ["b", "c"],
        ...                       "similarity": [0.8, 0.7], "evidence": ["", ""]})
        >>> choose_survivors(rows, pairs)["id"].to_list()
        ['a', 'c']
    """
    rank = _ranks(priorities)
    partners = _partners(pairs, rank)
    dropped: dict[str, tuple[str, float, str]] = {}
    for row in sorted(partners, key=rank.__getitem__):
        kept = [partner for partner in partners[row] if partner[0] not in dropped]
        if kept:
            dropped[row] = min(kept, key=lambda partner: (-partner[1], partner[0]))
    if not dropped:
        return empty_frame(DROPPED)
    lines = [(row, *match) for row, match in sorted(dropped.items())]
    return pl.DataFrame(lines, schema=dict(DROPPED), orient="row")


def largest_group_share(dropped: pl.DataFrame, n_rows: int) -> float:
    """Return the share of all rows that ended in the largest group (a kept row and its drops).

    The alarm for a method that lumps a whole template together.

    Args:
        dropped: DROPPED.
        n_rows: number of rows before dropping.

    Returns:
        0.0 where nothing was dropped, else in (0, 1].
    """
    if dropped.is_empty() or n_rows <= 0:
        return 0.0
    largest: int = max(dropped.group_by("matched_id").len()["len"].to_list())
    return (largest + 1) / n_rows


def _ranks(priorities: pl.DataFrame) -> dict[str, int]:
    """Map id to its place in the order of survival."""
    # NaN sorts above every number in Polars; an unknown priority must come last.
    ordered = priorities.with_columns(pl.col("priority").cast(pl.Float64).fill_nan(None)).sort(
        "priority", "id", descending=[True, False], nulls_last=True
    )
    rank = {row: place for place, row in enumerate(ordered["id"].to_list())}
    if len(rank) != priorities.height:
        msg = f"expected unique ids among the rows, got {priorities.height - len(rank)} repeated"
        raise RunError(msg)
    return rank


def _partners(pairs: pl.DataFrame, rank: dict[str, int]) -> dict[str, list[tuple[str, float, str]]]:
    """List for every row its better partners as (id, similarity, evidence)."""
    partners: dict[str, list[tuple[str, float, str]]] = {}
    equals: dict[str, set[str]] = {}
    columns = ("id_a", "id_b", "similarity", "evidence")
    for id_a, id_b, similarity, evidence in pairs.select(columns).iter_rows():
        if id_a not in rank or id_b not in rank:
            msg = f"expected pairs of known rows, got {id_a!r} with {id_b!r}; pass every row's id"
            raise RunError(msg)
        if evidence == EQUAL:
            equals.setdefault(id_a, {id_a}).add(id_b)
            continue
        better, worse = sorted((id_a, id_b), key=rank.__getitem__)
        partners.setdefault(worse, []).append((better, similarity, evidence))
    for group in equals.values():
        # `exact_pairs` is a star around the smallest id; the best row may be another one.
        best = min(group, key=rank.__getitem__)
        for row in group - {best}:
            partners.setdefault(row, []).append((best, 1.0, EQUAL))
    return partners
