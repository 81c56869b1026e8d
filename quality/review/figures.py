"""What a source is like as a whole: its answers, its prompts, and how alike they are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import xxhash

from quality.dedup.exact import fold_series
from quality.intervals import Interval, share
from quality.review.marks import Marks
from quality.select.nearest import DECIMALS, Vectors
from quality.words import count_words

#: Group of the rows without a value.
NONE: Final = "none"
#: Of the answers and of the openings of prompts, so many frequent ones are counted together.
FREQUENT_ANSWERS: Final = 10
FREQUENT_OPENINGS: Final = 5
_OPENING_WORDS = 4
#: Rows of a source whose prompts are compared. The same for all, as among more rows the nearest one
#: comes nearer.
SAMPLE: Final = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """One source.

    Attributes:
        name: value of the column that rows were grouped by.
        rows: how many there are.
        rows_before: how many there were before deduplication and decontamination.
        measured: rows that the other figures are of: those that are left, or those before where
            too few are left to tell.
        words: 10 %, 50 % and 90 % quantiles of the words of an answer.
        short: share of short answers.
        refusals: share of answers that refuse, of those that the rule can tell.
        malformed: share of broken answers, likewise.
        same_answers: share of the rows with one of its ten most frequent answers; one that occurs
            once is not frequent.
        same_openings: share of the prompts that begin with one of its five most frequent
            beginnings of four words, likewise.
        homogeneity: mean cosine of two different rows' prompts; null with fewer than two.
        neighbour: median cosine of a prompt with the nearest other one; null likewise.
        topics: effective number of topics, the exponential of their entropy; null without any.
        topic: its largest topic, "" without any.
        topic_share: share of its rows in that one.
    """

    name: str
    rows: int
    rows_before: int
    measured: int
    words: tuple[float, float, float]
    short: Interval
    refusals: Interval
    malformed: Interval
    same_answers: Interval
    same_openings: Interval
    homogeneity: float | None
    neighbour: float | None
    topics: float | None
    topic: str
    topic_share: float | None


def rows_to_measure(
    rows: pl.DataFrame, before: pl.DataFrame, *, per: str, min_rows: int
) -> pl.DataFrame:
    """Return the rows that tell what a source was like.

    Where deduplication left too few of a source, that says much about it, and the rows it had
    before say what.

    Args:
        rows: ROWS that are left.
        before: ROWS before any was dropped.
        per: column that names the source.
        min_rows: rows that suffice to tell.

    Returns:
        The rows that are left of every source, and those before of a source that had `min_rows`
        and has no longer; a source of which nothing is left is not there.
    """
    name = pl.col(per).cast(pl.String).fill_null(NONE)
    had = before.group_by(group=name).agg(had=pl.len())
    table = rows.group_by(group=name).agg(has=pl.len()).join(had, on="group")
    emptied = table.filter(pl.col("has") < min_rows, pl.col("had") >= min_rows)["group"].implode()
    return pl.concat(
        [rows.filter(~name.is_in(emptied)), before.filter(name.is_in(emptied))], how="diagonal"
    )


def count_groups(left: pl.Series, before: pl.Series) -> dict[str, tuple[int, int]]:
    """Count the rows of each group.

    Args:
        left: String, the groups of the rows that are left.
        before: String, the groups of all rows before any was dropped.
    """
    has, had = (
        dict(groups.cast(pl.String).fill_null(NONE).value_counts(name="count").iter_rows())
        for groups in (left, before)
    )
    return {name: (has.get(name, 0), had.get(name, 0)) for name in {**had, **has}}


def sample_rows(rows: pl.DataFrame, groups: pl.Series) -> pl.DataFrame:
    """Choose rows of every group whose prompts are to be compared.

    Args:
        rows: ROWS with unique ids.
        groups: String, one a row; null counts as `none`.

    Returns:
        At most SAMPLE rows a group, those with the lowest hashes of their ids, sorted by id.
    """
    hashes = [xxhash.xxh3_64_intdigest(row_id.encode()) for row_id in rows["id"]]
    drawn = rows.with_columns(
        _group=groups.cast(pl.String).fill_null(NONE), _hash=pl.Series(hashes, dtype=pl.UInt64)
    ).sort("_hash", "id")
    chosen = drawn.filter(pl.int_range(pl.len()).over("_group") < SAMPLE)
    return chosen.drop("_group", "_hash").sort("id")


class Prompts(NamedTuple):
    """What was found out about the prompts of sampled rows.

    Attributes:
        ids: String, ascending.
        topics: String, one an id; null where there is no prompt.
        vectors: float32, shape (n, d); unit rows, or zero rows without a text.
    """

    ids: pl.Series
    topics: pl.Series
    vectors: Vectors


def measure_groups(
    rows: pl.DataFrame,
    groups: pl.Series,
    *,
    counts: Mapping[str, tuple[int, int]],
    marks: Marks,
    prompts: Prompts,
    short_words: int,
) -> list[Figures]:
    """Describe each group of rows.

    Args:
        rows: ROWS with unique ids, see `rows_to_measure`.
        groups: String, one a row; null counts as `none`.
        counts: by group, the rows that are left and those before; see `count_groups`.
        marks: of the rows.
        prompts: of `sample_rows`.
        short_words: words of a short answer, at most.

    Returns:
        One a group, sorted by name; they do not depend on the order of `rows`.
    """
    table = rows.select(
        "id",
        group=groups.cast(pl.String).fill_null(NONE),
        words=count_words(pl.col("output")),
        answer=fold_series(rows["output"]),
        opening=_openings(rows),
        refuses=marks.refuses,
        malformed=marks.malformed,
    )
    sample = pl.DataFrame({"id": prompts.ids, "topic": prompts.topics}).with_row_index("place")
    table = table.join(sample, on="id", how="left").sort("id")
    return [
        _measure(part, counts[name], prompts.vectors, short_words)
        for (name,), part in sorted(table.partition_by("group", as_dict=True).items())
    ]


def _measure(
    part: pl.DataFrame, counted: tuple[int, int], vectors: Vectors, short_words: int
) -> Figures:
    words = part["words"]
    vectors = vectors[part["place"].drop_nulls().to_numpy()]
    known = part["topic"].drop_nulls()
    counts = known.value_counts().sort(["count", "topic"], descending=[True, False])
    return Figures(
        name=str(part["group"][0]),
        rows=counted[0],
        rows_before=counted[1],
        measured=part.height,
        words=tuple(float(words.quantile(at) or 0) for at in (0.1, 0.5, 0.9)),  # type: ignore[arg-type]
        short=share(int((words <= short_words).sum()), part.height),
        refusals=_share_of(part["refuses"]),
        malformed=_share_of(part["malformed"]),
        same_answers=_frequent(part["answer"], FREQUENT_ANSWERS),
        same_openings=_frequent(part["opening"], FREQUENT_OPENINGS),
        homogeneity=mean_cosine(vectors),
        neighbour=_neighbour(vectors),
        topics=_effective(counts["count"].to_list()),
        topic=counts["topic"][0] if counts.height else "",
        topic_share=round(counts["count"][0] / known.len(), 4) if counts.height else None,
    )


def _openings(rows: pl.DataFrame) -> pl.Series:
    """The first words of each prompt, folded."""
    prompt = rows.select(
        pl.concat_str(["instruction", "input"], separator=" ", ignore_nulls=True).fill_null("")
    ).to_series()
    first = prompt.str.slice(0, 400)
    return fold_series(first).str.split(" ").list.head(_OPENING_WORDS).list.join(" ")


def _share_of(marks: pl.Series) -> Interval:
    known = marks.drop_nulls()
    return share(int(known.sum()), known.len())


def _frequent(texts: pl.Series, most: int) -> Interval:
    """Share of the rows with one of the most frequent texts that occur more than once."""
    counts = texts.value_counts(name="count")["count"]
    repeated = counts.filter(counts > 1).sort(descending=True).head(most)
    return share(int(repeated.sum()), texts.len())


def _effective(counts: Sequence[int]) -> float | None:
    total = sum(counts)
    if not total:
        return None
    entropy = -sum(count / total * math.log(count / total) for count in counts)
    return round(math.exp(entropy), 2)


def mean_cosine(vectors: Vectors) -> float | None:
    """Return the mean cosine of two different rows, null with fewer than two.

    Unlike the share of the largest clusters it does not hang on how many clusters were made, nor
    on how many rows there are: a source that is half of all rows has half of all clusters.

    Args:
        vectors: float32, shape (n, d), unit rows in a fixed order; zero rows are left out.

    Example:
        >>> mean_cosine(np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32))
        0.3333
    """
    here = vectors[vectors.any(axis=1)].astype(np.float64)
    count = len(here)
    if count < 2:
        return None
    total = here.sum(axis=0)
    return round(float((total @ total - count) / (count * (count - 1))), 4)


def _neighbour(vectors: Vectors) -> float | None:
    here = vectors[vectors.any(axis=1)]
    if len(here) < 2:
        return None
    cosines = here @ here.T
    np.fill_diagonal(cosines, -1)
    return round(float(np.median(cosines.max(axis=1).astype(np.float64).round(DECIMALS))), 4)
