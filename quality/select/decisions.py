"""Why each row was not selected, as lines of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from quality.dedup.evidence import describe_difference
from quality.select.nearest import Floats, Near, Places
from quality.select.quotas import Groups
from quality.select.walk import Taken
from schemas.frames import DECISIONS, empty_frame
from schemas.recipe import SelectOptions

_STAGE = "select"


class Covered(NamedTuple):
    """How far rows are from the kept ones.

    Attributes:
        rows: int64, shape (n,): the nearest kept row; -1 where there is none.
        similarities: float64, shape (n,): its cosine.
    """

    rows: Places
    similarities: Floats


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a selection did, by row number; rows are numbered from the best.

    Attributes:
        taken: the rows that stay, and those that there was no room for.
        groups: which group each row belongs to.
        too_similar: rows that were skipped, with the kept row that each is too near to.
        covered: the nearest kept row of every row, where the method is `k_center`.
        budgets: of each group of a mix, in its unit; None: it is none.
    """

    taken: Taken
    groups: Groups
    too_similar: Mapping[int, Near] = field(default_factory=dict)
    covered: Covered | None = None
    budgets: Sequence[int] | None = None


def over_target(rows: pl.DataFrame) -> pl.DataFrame:
    """Explain rows that their source has enough of without them.

    Args:
        rows: frame with `id`, `source`, `score` and Int64 `_target`.

    Returns:
        DECISIONS; the value is the score, the threshold the number wanted.
    """
    evidence = pl.format(
        "{} rows were wanted from {}; those of higher score were taken", "_target", "source"
    )
    return _lines(rows, "over_target", pl.col("score"), pl.col("_target"), evidence)


def explain_drops(rows: pl.DataFrame, options: SelectOptions, reasons: Reasons) -> pl.DataFrame:
    """Explain every row that was not taken.

    Args:
        rows: frame with `id`, `score`, `instruction`, `input` and, where there is a budget of
            tokens, `tokens`; from the best to the worst.
        options: what was wanted.
        reasons: what was done.

    Returns:
        DECISIONS, one line a row that was not taken.
    """
    numbered = rows.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    is_able = np.ones(rows.height, dtype=np.bool_)
    for named in (reasons.taken.misfits, reasons.too_similar):
        is_able[list(named)] = False
    if reasons.budgets is not None:
        is_able[reasons.taken.rows] = False
        is_able[list(reasons.taken.misfits)] = True
        over = _over_budget(numbered.filter(is_able), options, reasons)
        return pl.concat([_too_similar(numbered, options, reasons), over])
    # Without quotas the first of those that were able to would have been taken.
    would_stay = is_able & (np.cumsum(is_able) <= len(reasons.taken.rows))
    is_left = is_able.copy()
    is_left[reasons.taken.rows] = False
    parts = [_too_similar(numbered, options, reasons), _misfits(numbered, options, reasons)]
    if reasons.covered is not None:
        parts.append(_uncentred(numbered.filter(is_left), rows["id"], reasons.covered))
    else:
        parts.append(_over_quota(numbered.filter(is_left & would_stay), reasons))
        beyond = numbered.filter(is_left & ~would_stay)
        if reasons.taken.is_out_of_tokens:
            parts.append(_out_of_tokens(beyond, options, reasons.taken.tokens))
        else:
            parts.append(_over_rows(beyond, options, rows["score"], reasons))
    return pl.concat(parts)


def _too_similar(rows: pl.DataFrame, options: SelectOptions, reasons: Reasons) -> pl.DataFrame:
    skipped = sorted(reasons.too_similar)
    near = [reasons.too_similar[row] for row in skipped]
    prompts = rows.select(
        text=pl.concat_str("instruction", "input", separator="\n", ignore_nulls=True)
    ).to_series()
    evidence = [
        describe_difference(prompts[row], prompts[kept.row])
        for row, kept in zip(skipped, near, strict=True)
    ]
    found = rows[skipped].with_columns(
        matched_id=rows["id"].gather([kept.row for kept in near]),
        similarity=pl.Series([kept.similarity for kept in near], dtype=pl.Float64),
        evidence=pl.Series(evidence, dtype=pl.String),
    )
    limit = pl.lit(options.max_similarity)
    return _lines(found, "too_similar", pl.col("similarity"), limit, pl.col("evidence"))


def _misfits(rows: pl.DataFrame, options: SelectOptions, reasons: Reasons) -> pl.DataFrame:
    misfits = sorted(reasons.taken.misfits)
    found = rows[misfits].with_columns(
        _free=pl.Series([reasons.taken.misfits[row] for row in misfits], dtype=pl.Int64)
    )
    return _over_tokens(found, options, "{} tokens were left, the row has {}", "_free")


def _out_of_tokens(rows: pl.DataFrame, options: SelectOptions, used: int) -> pl.DataFrame:
    found = rows.with_columns(_used=pl.lit(used))
    text = f"better rows hold {{}} of {options.max_tokens} tokens, the row has {{}}"
    return _over_tokens(found, options, text, "_used")


def _over_tokens(
    rows: pl.DataFrame, options: SelectOptions, text: str, column: str
) -> pl.DataFrame:
    if rows.is_empty():
        return empty_frame(DECISIONS)
    size = pl.col("tokens").cast(pl.String).fill_null("an unknown number")
    evidence = pl.format(text, column, size)
    limit = pl.lit(options.max_tokens)
    return _lines(rows, "over_max_tokens", pl.col("tokens"), limit, evidence)


def _uncentred(rows: pl.DataFrame, ids: pl.Series, covered: Covered) -> pl.DataFrame:
    here = rows["_row"].to_numpy()
    centres = pl.Series(covered.rows[here])
    found = rows.with_columns(
        matched_id=ids.gather(centres.replace(-1, None)),
        similarity=pl.Series(covered.similarities[here]),
    ).with_columns(similarity=pl.when(pl.col("matched_id").is_not_null()).then("similarity"))
    distance = (1 - pl.col("similarity")).round(6)
    evidence = (
        pl.when(distance.is_not_null())
        .then(
            pl.format(
                "{} away from the nearest kept row; no dropped row is farther than {}",
                distance.round(3),
                distance.max().round(3),
            )
        )
        .otherwise(pl.lit("there is no text to compare, or none in the kept rows"))
    )
    return _lines(found, "k_center", distance, distance.max(), evidence)


def _over_quota(rows: pl.DataFrame, reasons: Reasons) -> pl.DataFrame:
    shared = _with_share(rows, reasons)
    evidence = pl.format("{} rows of {} are its share of the budget", "_taken", "_group")
    return _lines(shared, "over_quota", pl.col("score"), pl.col("_taken"), evidence)


def _over_budget(rows: pl.DataFrame, options: SelectOptions, reasons: Reasons) -> pl.DataFrame:
    """Explain rows that their group's budget in a mix has no room for."""
    budgets = pl.Series(reasons.budgets, dtype=pl.Int64)
    places = reasons.groups.members.gather(rows["_row"])
    shared = _with_share(rows, reasons).with_columns(_budget=budgets.gather(places))
    size = "tokens" if options.unit == "tokens" else pl.lit(1)
    text = f"{{}} has room for {{}} {options.unit}, which {{}} others took; this one needs {{}}"
    evidence = pl.format(text, "_group", "_budget", "_taken", size)
    return _lines(shared, "over_quota", pl.col("score"), pl.col("_budget"), evidence)


def _over_rows(
    rows: pl.DataFrame, options: SelectOptions, scores: pl.Series, reasons: Reasons
) -> pl.DataFrame:
    limit = pl.lit(options.max_rows)
    place = pl.format(f"rank {{}} of {scores.len()} by score", pl.col("_row") + 1)
    if len(reasons.groups.names) > 1:
        rows = _with_share(rows, reasons)
        evidence = pl.format("{}; {} rows of {} are its share", place, "_taken", "_group")
    else:
        last = scores[max(reasons.taken.rows)] if reasons.taken.rows else None
        lowest = "no score" if last is None else f"{last:.4g}"
        evidence = pl.format("{}; the last one taken has {}", place, pl.lit(lowest))
    return _lines(rows, "over_max_rows", pl.col("score"), limit, evidence)


def _with_share(rows: pl.DataFrame, reasons: Reasons) -> pl.DataFrame:
    """Add the name of each row's group and how many rows of it were taken."""
    names, _, members = reasons.groups
    counts = np.bincount(members.to_numpy()[reasons.taken.rows], minlength=len(names))
    here = members.gather(rows["_row"]).to_numpy()
    return rows.with_columns(
        _group=pl.Series([names[place] for place in here], dtype=pl.String),
        _taken=pl.Series(counts[here], dtype=pl.Int64),
    )


def _lines(
    rows: pl.DataFrame, rule: str, value: pl.Expr, threshold: pl.Expr, evidence: pl.Expr
) -> pl.DataFrame:
    """Make DECISIONS of rows; `matched_id` and `similarity` are taken where there are any."""
    known = [name for name in ("matched_id", "similarity") if name in rows.columns]
    made = rows.select(
        "id",
        *known,
        stage=pl.lit(_STAGE),
        rule=pl.lit(rule),
        action=pl.lit("drop"),
        value=value.cast(pl.Float64),
        threshold=threshold.cast(pl.Float64),
        evidence=evidence,
    )
    return pl.concat([empty_frame(DECISIONS), made], how="diagonal").select(list(DECISIONS))
