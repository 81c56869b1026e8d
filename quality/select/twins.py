"""Random subsets beside a selection: what it must beat to have been worth the trouble."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.draws import Draw
from quality.select.nearest import Places

#: Widths of the classes of answer length: each begins a fifth above the one before.
_STEP: Final = 1.2
TWINS: Final = ("random", "random_tokens", "length_matched")


class Twin(NamedTuple):
    """A random subset of the pool that a selection was made from.

    Attributes:
        name: one of TWINS.
        ids: sorted.
        rows: number of ids.
        tokens: in all; None where they were not counted.
        mean_score: of the rows that have a score; None where none has.
        overlap: share of the rows that are in the selection, too.
    """

    name: str
    ids: Sequence[str]
    rows: int
    tokens: int | None
    mean_score: float | None
    overlap: float


def make_twins(pool: pl.DataFrame, chosen: Sequence[str], *, by: str, seed: int) -> list[Twin]:
    """Draw twins of a selection: as many rows, as many tokens, as many rows of each length.

    Rows come in the order of a hash of id, twin and seed, so that neither their order nor the
    other rows choose; a selection of any size has the twin that begins alike.

    Args:
        pool: all rows that the selection was made from, the selected ones too, with a unique
            String `id`, String `output`, the score column `by` and perhaps Int `tokens` (null:
            unknown).
        chosen: ids of the selection, all of them in `pool`.
        by: a numeric column.
        seed: another seed, other twins.

    Returns:
        `random`: as many rows. `random_tokens`: as many tokens, to within the row that comes next;
        only where the tokens of all rows are known. `length_matched`: as many rows in each class
        of answer length, classes being a fifth wide; the pool holds the selection, so no class can
        run short.

    Example:
        >>> pool = pl.DataFrame({"id": ["a", "b"], "output": ["Yes.", "It is so."], "x": [1, 2]})
        >>> [twin.ids for twin in make_twins(pool, ["b"], by="x", seed=0)][1:]
        [['b']]
    """
    frame = pool.sort("id").with_columns(
        chosen=pl.col("id").is_in(list(chosen)), score=pl.col(by).cast(pl.Float64).fill_nan(None)
    )
    orders = {name: _shuffle(frame["id"], name, seed) for name in TWINS}
    is_chosen = frame["chosen"].to_numpy()
    drawn = {
        "random": orders["random"][: int(is_chosen.sum())],
        "length_matched": _match(
            orders["length_matched"], _length_classes(frame["output"]), is_chosen
        ),
    }
    if "tokens" in frame.columns and not frame["tokens"].has_nulls():
        sizes = frame["tokens"].to_numpy().astype(np.int64)
        order = orders["random_tokens"]
        wanted = int(sizes[is_chosen].sum())
        drawn["random_tokens"] = order[: _closest(sizes[order], wanted)]
    return [_describe(name, frame[np.sort(drawn[name])]) for name in TWINS if name in drawn]


def _shuffle(ids: pl.Series, twin: str, seed: int) -> Places:
    """Return the places of ids in random order."""
    numbers = [Draw(f"{twin}\x1f{row_id}", seed).number() for row_id in ids]
    return np.argsort(np.array(numbers, dtype=np.uint64), kind="stable")


def _length_classes(answers: pl.Series) -> Places:
    """Return a class for each answer: its length in characters on a logarithmic scale."""
    lengths = answers.fill_null("").str.len_chars().to_numpy()
    classes: Places = np.floor(np.log1p(lengths) / np.log(_STEP)).astype(np.int64)
    return classes


def _match(order: Places, classes: Places, is_chosen: npt.NDArray[np.bool_]) -> Places:
    """Return the first rows of each class, as many as were chosen of it."""
    wanted = np.bincount(classes[is_chosen], minlength=int(classes.max(initial=0)) + 1)
    by_class = order[np.argsort(classes[order], kind="stable")]
    ordered = classes[by_class]
    nth = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return by_class[nth < wanted[ordered]]


def _closest(sizes: Places, wanted: int) -> int:
    """Return how many sizes from the first on come nearest to a sum; the fewer of equals."""
    sums = np.concatenate(([0], np.cumsum(sizes)))
    return int(np.abs(sums - wanted).argmin())


def _describe(name: str, rows: pl.DataFrame) -> Twin:
    mean = rows["score"].mean()
    return Twin(
        name=name,
        ids=rows["id"].to_list(),
        rows=rows.height,
        tokens=_sum_tokens(rows),
        mean_score=round(mean, 6) if isinstance(mean, float) else None,
        overlap=round(int(rows["chosen"].sum()) / max(1, rows.height), 4),
    )


def _sum_tokens(rows: pl.DataFrame) -> int | None:
    if "tokens" not in rows.columns or rows["tokens"].has_nulls():
        return None
    return int(rows["tokens"].sum())
