"""From what every judge said about a row to the columns of that row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import polars as pl

from quality.judging.rubrics import SCORE, SPREAD, column_of
from quality.judging.verdicts import Abstention, Rating

Verdict = Rating | Abstention


@dataclass(frozen=True, slots=True)
class Score:
    """What the judges make of one row together.

    Attributes:
        score: mean over the dimensions of the median over the judges, 1..5; null where no judge
            gave a verdict.
        dimensions: median by dimension.
        spread: highest minus lowest judge, by their means over the dimensions; null below two.
    """

    score: float | None
    dimensions: Mapping[str, float | None]
    spread: float | None


def combine(verdicts: Sequence[Verdict], dimensions: Sequence[str]) -> Score:
    """Combine the verdicts of all judges on one row; who abstained counts for nothing.

    Args:
        verdicts: one a judge.
        dimensions: what was rated.

    Source:
        Verga et al. 2024 (PoLL), https://arxiv.org/abs/2404.18796. Differs: the median, not a
        vote or a mean, so that one judge cannot carry a row.

    Example:
        >>> three = [Rating({"clarity": score}, "") for score in (1, 4, 5)]
        >>> combine([*three, Abstention("cut")], ["clarity"])
        Score(score=4.0, dimensions={'clarity': 4.0}, spread=4.0)
        >>> combine([Abstention("cut")], ["clarity"]).score is None
        True
    """
    ratings = [verdict.scores for verdict in verdicts if isinstance(verdict, Rating)]
    if not ratings:
        return Score(None, dict.fromkeys(dimensions), None)
    medians = {name: float(median(scores[name] for scores in ratings)) for name in dimensions}
    means = [fmean(scores[name] for name in dimensions) for scores in ratings]
    spread = max(means) - min(means) if len(means) > 1 else None
    return Score(fmean(medians.values()), dict(medians), spread)


def score_columns(scores: Mapping[str, Score], dimensions: Sequence[str]) -> pl.DataFrame:
    """Return the columns of judged rows, to be joined by id.

    Args:
        scores: by row id.
        dimensions: what was rated.

    Returns:
        `id`, then Float64 columns `judge`, `judge_<dimension>` and `judge_spread`.
    """
    names = rating_columns(dimensions)
    values = [
        (row, score.score, *(score.dimensions[name] for name in dimensions), score.spread)
        for row, score in scores.items()
    ]
    schema = {"id": pl.String, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(values, schema=schema, orient="row")


def rating_columns(dimensions: Sequence[str]) -> list[str]:
    """Return the names of the columns that a judge's ratings go to."""
    return [SCORE, *(column_of(name) for name in dimensions), SPREAD]


def with_scores(rows: pl.DataFrame, columns: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of `score_columns`, in the order of the rows.

    Args:
        rows: frame with `id`; ratings that it has stay where a row was not asked about again.
        columns: from `score_columns`.

    Returns:
        Null where a row was never asked about, and where the judges abstained.
    """
    names = columns.columns[1:]
    asked = pl.col("id").is_in(columns["id"].implode())
    new = {name: f"{name}\x1fnew" for name in names}
    fresh_columns = columns.select("id", *(pl.col(name).alias(new[name]) for name in names))
    given = rows.join(fresh_columns, on="id", how="left", maintain_order="left")
    missing = [pl.lit(None, pl.Float64).alias(name) for name in names if name not in rows.columns]
    return given.with_columns(missing).select(
        pl.exclude([*names, *new.values()]),
        *(
            pl.when(asked).then(pl.col(fresh)).otherwise(pl.col(name)).alias(name)
            for name, fresh in new.items()
        ),
    )
