"""What share of a benchmark text's n-grams a row holds, common n-grams left out."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from quality.decontaminate.spelling import Numbers, Spelled, find_runs
from schemas.frames import FrameSchema

#: Distinctive n-grams from which a share of them says something: ten words in a row, for 8-grams.
MIN_GRAMS: Final = 3
#: Rows that make an n-gram common by holding it without the text around it.
COMMON_ROWS: Final = 10
#: Other benchmark texts that do.
COMMON_TEXTS: Final = 2
#: Share of a text's n-grams from which a row holds the text, and says nothing on how common it is.
HELD: Final = 0.9
# Texts that share an n-gram from which it is common whatever else they share.
_COMMON_ANYWAY = 100

#: An n-gram found in a row.
FINDS: FrameSchema = {"row": pl.Int64, "gram": pl.Int64}
#: What share of a text's distinctive n-grams a row holds.
SHARES: FrameSchema = {"row": pl.Int64, "text": pl.Int64, "share": pl.Float64}


class Grams(NamedTuple):
    """The n-grams of benchmark texts.

    Attributes:
        runs: int32, shape (k, n): the different n-grams.
        uses: frame of `text`, `start` (word it begins at) and `gram` (row of `runs`), Int64.
    """

    runs: Numbers
    uses: pl.DataFrame

    @property
    def members(self) -> pl.DataFrame:
        """Which texts have which n-grams: `text`, `gram`, each pair once."""
        return self.uses.select("text", "gram").unique()


def cut_grams(texts: Spelled, size: int) -> Grams:
    """Cut benchmark texts into n-grams of `size` words; shorter texts have none."""
    counts = np.maximum(np.diff(texts.offsets) - size + 1, 0)
    owners = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = texts.offsets[owners] + within
    windows = texts.words[starts[:, None] + np.arange(size)]
    runs, gram = np.unique(windows, axis=0, return_inverse=True)
    uses = pl.DataFrame({"text": owners, "start": within, "gram": gram.ravel()})
    return Grams(runs, uses.cast(pl.Int64))


def find_grams(texts: Spelled, grams: Grams) -> pl.DataFrame:
    """Return FINDS of texts; `row` is the number of the text."""
    found = find_runs(texts, grams.runs)
    return pl.DataFrame({"row": found.texts, "gram": found.found}, schema=dict(FINDS)).unique()


def measure_shares(
    grams: Grams, finds: pl.DataFrame, *, min_share: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Measure how much of each benchmark text rows hold.

    An n-gram is common, and does not count for a text, where COMMON_ROWS rows or COMMON_TEXTS
    other benchmark texts hold it without HELD of the text: "what is the sum of the following" is
    a phrase, the same words in fifty copies of one item are not.

    Args:
        grams: of the benchmark texts.
        finds: FINDS of all rows.
        min_share: share of a text's distinctive n-grams, inclusive.

    Returns:
        SHARES of the rows that hold at least `min_share`, and `text`, `distinctive` (UInt32): how
        many n-grams of each text count.

    Source:
        n-gram overlap of GPT-3 (Brown et al. 2020), where one 13-gram is a hit. Differs: the share
        of the reference counts, and n-grams are common by who else holds them.
    """
    members = grams.members
    uses = members.group_by("gram").agg(texts=pl.len())
    rare = members.join(uses.filter(pl.col("texts") <= _COMMON_ANYWAY), on="gram", how="semi")
    by_rows = _without_the_rest(finds, rare).filter(pl.col("holders") >= COMMON_ROWS)
    others = rare.with_columns(row="text").drop("text")
    by_texts = _without_the_rest(others, rare).filter(pl.col("holders") >= COMMON_TEXTS)
    common = pl.concat([by_rows, by_texts]).select("text", "gram").unique()
    counted = rare.join(common, on=["text", "gram"], how="anti")
    distinctive = counted.group_by("text").agg(distinctive=pl.len())
    shares = (
        _count_shared(finds, counted)
        .filter(pl.col("shared") >= MIN_GRAMS)
        .join(distinctive, on="text")
        .with_columns(share=pl.col("shared") / pl.col("distinctive"))
        .filter(pl.col("share") >= min_share)
        .select(list(SHARES))
    )
    return shares, distinctive


def held_texts(grams: Grams, finds: pl.DataFrame, texts: Sequence[int]) -> pl.DataFrame:
    """Return `row` and `text` (Int64) where a row holds all n-grams of one of `texts`."""
    members = grams.members.filter(pl.col("text").is_in(texts))
    sizes = members.group_by("text").agg(size=pl.len())
    pairs = _count_shared(finds, members).join(sizes, on="text")
    return pairs.filter(pl.col("shared") == pl.col("size")).select("row", "text")


def longest_shared_run(grams: Grams, text: int, found: Iterable[int]) -> tuple[int, int]:
    """Return where the longest run of a text's words begins and ends that a row holds.

    Args:
        grams: of the benchmark texts.
        text: number of the text.
        found: the n-grams of the row.
    """
    held = set(found)
    size, best, start = grams.runs.shape[1], (0, 0), None
    uses = grams.uses.filter(pl.col("text") == text).sort("start")
    for place, gram in uses.select("start", "gram").iter_rows():
        if gram not in held:
            start = None
            continue
        start = place if start is None else start
        best = max(best, (start, place + size), key=lambda run: run[1] - run[0])
    return best


def _count_shared(finds: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Count the n-grams that a row shares with a text."""
    return finds.join(members, on="gram").group_by("row", "text").agg(shared=pl.len())


def _without_the_rest(finds: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Count for every n-gram of a text who holds it without holding the text."""
    sizes = members.group_by("text").agg(size=pl.len())
    pairs = _count_shared(finds, members).join(sizes, on="text")
    partial = pairs.filter(pl.col("shared") < HELD * pl.col("size"))
    found = finds.join(partial.select("row", "text"), on="row").join(members, on=["text", "gram"])
    return found.group_by("text", "gram").agg(holders=pl.len())
