"""Splits: related rows are grouped, and every group goes to one split as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from quality.dedup.draws import Draw
from quality.dedup.exact import fold_series
from quality.dedup.kernels import Places
from quality.dedup.lexical import Cut, cut_rows
from quality.dedup.search import Limits, alike_pairs

#: The split of all rows that no other one takes.
TRAIN: Final = "train"
#: Splits that are held back, in the order in which they are filled.
HELD_BACK: Final = ("test", "validation")


class Related(NamedTuple):
    """What keeps rows together.

    Attributes:
        similarity: Jaccard similarity of the prompts' shingles; None: only equal prompts.
        same_instruction: whether rows with one instruction and different inputs do.
        fields: columns, or fields of `about` or of the record in `raw`, whose equal values do
            within a source.
    """

    similarity: float | None = 0.5
    same_instruction: bool = True
    fields: tuple[str, ...] = ()


class Splits(NamedTuple):
    """Where rows go.

    Attributes:
        names: String, one per row: `train`, `test` or `validation`.
        torn: `id`, `old`, `new`: rows that had to leave the split of an earlier version, because
            a new row joins groups of different splits.
    """

    names: pl.Series
    torn: pl.DataFrame


def group_rows(rows: pl.DataFrame, related: Related) -> pl.Series:
    """Return the group of every row: the smallest id in it.

    Two rows are in one group if they have the same prompt (after folding case and white space),
    prompts that are alike, the same document or tree, or if one was made from the other, or both
    from one thing alone. A row with several parents was shown them as examples: that is no
    relation. Groups are transitive.

    Args:
        rows: frame with unique `id`, and `source`, `instruction`, `input`, `parents`, `about` and
            `raw` as in ROWS.
        related: what keeps rows together.

    Returns:
        String series, one per row; does not depend on the order of `rows`.
    """
    ordered = rows.with_row_index(" place").sort("id")
    links = [_same(key) for key in _keys(ordered, related)]
    links.append(_from_parents(ordered))
    if related.similarity is not None and ordered.height > 1:
        prints, _ = cut_rows(ordered, Cut())
        rank = np.arange(ordered.height, dtype=np.int64)
        links.append(alike_pairs(prints, Limits(related.similarity), rank=rank).pairs[:, :2])
    label = _components(ordered.height, np.concatenate(links))
    named = ordered.select(" place", "id", pl.Series(" group", label))
    return named.select(" place", pl.col("id").first().over(" group")).sort(" place")["id"]


def assign_splits(
    rows: pl.DataFrame,
    shares: Mapping[str, float],
    *,
    seed: int = 0,
    earlier: pl.DataFrame | None = None,
) -> Splits:
    """Put groups into splits.

    A group with rows of an earlier version goes where most of them are (a tie: test, validation,
    train). The others come in an order drawn from group and seed, and each goes to the first
    split held back that has room for all of it, or else to `train`.

    Args:
        rows: frame with `id` and `group`.
        shares: split in HELD_BACK to the share of all rows that it is to hold.
        seed: another one, another order.
        earlier: `id` and `split` of rows of earlier versions.

    Returns:
        The split of every row, whatever the order of `rows`.
    """
    wanted = {name: round(shares.get(name, 0) * rows.height) for name in HELD_BACK}
    known = _known(rows, earlier, [name for name in HELD_BACK if shares.get(name)])
    held = dict(known.select("group", "home").unique().iter_rows())
    sizes = dict(rows.group_by("group").len().iter_rows())
    for group, name in held.items():
        if name in wanted:
            wanted[name] -= sizes[group]
    for group in sorted(sizes.keys() - held.keys(), key=lambda name: (_draw(name, seed), name)):
        room = next((name for name in HELD_BACK if sizes[group] <= wanted[name]), None)
        held[group] = room or TRAIN
        if room is not None:
            wanted[room] -= sizes[group]
    names = rows["group"].replace_strict(held, return_dtype=pl.String).alias("split")
    torn = known.filter(pl.col("split") != pl.col("home")).sort("id")
    return Splits(names, torn.select("id", old="split", new="home"))


def _known(rows: pl.DataFrame, earlier: pl.DataFrame | None, kept: Sequence[str]) -> pl.DataFrame:
    """Return `id`, `group`, `split` and `home` of the rows that an earlier version had.

    `home` is where the group goes. A split that the recipe no longer has binds nobody.
    """
    if earlier is None:
        earlier = pl.DataFrame(schema={"id": pl.String, "split": pl.String})
    known = rows.select("id", "group").join(earlier.select("id", "split"), on="id")
    known = known.filter(pl.col("split").is_in([*kept, TRAIN]))
    order = pl.col("split").replace_strict(
        {name: place for place, name in enumerate([*HELD_BACK, TRAIN])}, return_dtype=pl.Int64
    )
    homes = (
        known.group_by("group", "split")
        .len()
        .sort("len", order, descending=[True, False])
        .group_by("group", maintain_order=True)
        .agg(pl.col("split").first().alias("home"))
    )
    return known.join(homes, on="group")


def _draw(group: str, seed: int) -> int:
    return Draw(f"split {group}", seed % 2**64).number()


def _keys(rows: pl.DataFrame, related: Related) -> Iterable[pl.Series]:
    """Yield series of which equal values, but null, keep rows together."""
    instruction = fold_series(rows["instruction"])
    if related.same_instruction:
        yield pl.select(pl.when(instruction != "").then(instruction)).to_series()
    prompt = instruction + "\n" + fold_series(rows["input"])
    yield pl.select(pl.when(prompt != "\n").then(prompt)).to_series()
    for name in related.fields:
        value = _field(rows, name)
        # Two sources may well number their documents alike.
        yield rows.select(pl.concat_str("source", value, separator="\x1f")).to_series()


def _field(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Read a column; else what a row's maker says in `about`, else its record in `raw`."""
    if name in rows.columns:
        return pl.col(name).cast(pl.String)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    found = [
        pl.col(column).str.json_path_match(f"$['{quoted}']")
        for column in ("about", "raw")
        if column in rows.columns
    ]
    return pl.coalesce(*found, pl.lit(None, dtype=pl.String))


def _from_parents(rows: pl.DataFrame) -> Places:
    """Pair rows with the row they were made from, and with those made from the same thing."""
    # Ids of rows come first: what is not among them is a seed or a row of elsewhere.
    ids = rows.select("id", pl.int_range(pl.len()).alias("row"))
    lone = rows.select(
        pl.int_range(pl.len()).alias("row"),
        pl.when(pl.col("parents").list.len() == 1).then(pl.col("parents").list.first()).alias("id"),
    )
    made_from = lone.drop_nulls().join(ids, on="id", suffix="_parent")
    pairs = made_from.select("row", "row_parent").cast(pl.Int64).to_numpy()
    return np.concatenate([pairs.reshape(-1, 2), _same(lone["id"])])


def _same(keys: pl.Series) -> Places:
    """Pair every row with the first one of the same key; null equals nothing."""
    numbered = pl.DataFrame({"key": keys, "row": np.arange(keys.len(), dtype=np.int64)})
    pairs = numbered.drop_nulls("key").select(pl.col("row").first().over("key"), other="row")
    found: Places = pairs.to_numpy().astype(np.int64).reshape(-1, 2)
    return found


def _components(n_rows: int, links: Places) -> npt.NDArray[np.int32]:
    ones = np.ones(len(links), np.bool_)
    graph = coo_matrix((ones, (links[:, 0], links[:, 1])), shape=(n_rows, n_rows))
    labels: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels
