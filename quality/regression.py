"""The regression gate: what a new version must not do beside the one before it."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import polars as pl

from schemas.recipe import GateOptions

#: Columns of the rows that a broken rule shows; `why` says what is wrong with each.
SHOWN: Final = ("id", "instruction", "why")


class Broken(NamedTuple):
    """A rule of the gate that a version breaks.

    Attributes:
        rule: its field in the recipe, such as `gate.max_drop.quality`.
        expected: what was asked for, in words.
        got: the figure.
        told: the figure in words.
        rows: SHOWN, the rows behind it, the worst first, then by id.
    """

    rule: str
    expected: str
    got: float
    told: str
    rows: pl.DataFrame


class Candidate(NamedTuple):
    """A version that is about to be published.

    Attributes:
        rows: `id`, `instruction` and the columns that the gate names.
        old: the version before, alike; None: this is the first.
        removed: `id`, `instruction` and `rule` of rows of the version before that are gone.
        hits: `id` and `matched_id` of rows that hold a benchmark item; None: nobody looked.
    """

    rows: pl.DataFrame
    old: pl.DataFrame | None
    removed: pl.DataFrame
    hits: pl.DataFrame | None


def check_gate(candidate: Candidate, options: GateOptions) -> list[Broken]:
    """Return the rules that a version breaks, in the order of the options.

    Rules that look at the version before hold for the first one. A mean counts the rows that have
    the score; a version without any breaks a rule about it, because nothing shows that it holds.

    Args:
        candidate: the version.
        options: the rules.
    """
    checks: tuple[Callable[[Candidate, GateOptions], Iterator[Broken]], ...] = (
        *(_lost, _too_few, _means, _drops),
        *(_shares, _growth, _contaminated),
    )
    return [broken for check in checks for broken in check(candidate, options)]


def _lost(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    old = candidate.old
    if options.max_lost is None or old is None or old.is_empty():
        return
    lost = candidate.removed.height / old.height
    if lost > options.max_lost:
        told = f"{lost:.2%} ({candidate.removed.height:,} of {old.height:,})"
        expected = f"at most {options.max_lost:.2%} of the rows of the version before to go"
        why = pl.format("gone: {}", pl.col("rule").fill_null("unknown"))
        yield Broken("gate.max_lost", expected, lost, told, _shown(candidate.removed, why))


def _too_few(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    count = candidate.rows.height
    if options.min_rows is not None and count < options.min_rows:
        rows = _shown(candidate.removed, pl.format("gone: {}", pl.col("rule").fill_null("unknown")))
        yield Broken(
            "gate.min_rows", f"at least {options.min_rows:,} rows", count, f"{count:,}", rows
        )


def _means(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    for column, least in options.min_mean.items():
        mean = _mean(candidate.rows, column)
        if mean is None or mean < least:
            expected = f"a mean {column} of at least {least:g}"
            yield _low_scores(candidate, f"gate.min_mean.{column}", expected, mean)


def _drops(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    for column, most in options.max_drop.items():
        before = None if candidate.old is None else _mean(candidate.old, column)
        mean = _mean(candidate.rows, column)
        if before is not None and (mean is None or before - mean > most):
            expected = f"a mean {column} of at most {most:g} below the {before:.4g} before"
            yield _low_scores(candidate, f"gate.max_drop.{column}", expected, mean)


def _shares(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    for column, limits in options.max_share.items():
        for value, most in limits.items():
            share = _share(candidate.rows, column, value)
            if share > most:
                expected = f"at most {most:.2%} of the rows with {column} {value}"
                yield _of_value(candidate, ("max_share", column, value), expected, share)


def _growth(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    for column, limits in options.max_growth.items():
        for value, most in limits.items():
            if candidate.old is None:
                continue
            before = _share(candidate.old, column, value)
            share = _share(candidate.rows, column, value)
            if share - before > most:
                expected = (
                    f"the share of rows with {column} {value} to grow by at most {most:.2%} from "
                    f"{before:.2%}"
                )
                yield _of_value(candidate, ("max_growth", column, value), expected, share)


def _contaminated(candidate: Candidate, options: GateOptions) -> Iterator[Broken]:
    most, hits = options.max_contaminated, candidate.hits
    if most is None or hits is None or hits.height <= most:
        return
    why = pl.format("holds {}", pl.col("matched_id").fill_null("a benchmark item"))
    rows = _shown(candidate.rows.join(hits.select("id", "matched_id"), on="id"), why)
    expected = f"at most {most:,} rows that hold a benchmark item"
    yield Broken("gate.max_contaminated", expected, hits.height, f"{hits.height:,}", rows)


def _low_scores(candidate: Candidate, rule: str, expected: str, mean: float | None) -> Broken:
    """The lowest scores, those of rows that are new before the others."""
    column = rule.rpartition(".")[2]
    rows = _new_first(candidate)
    if mean is None:
        told = f"no row with a {column}"
        return Broken(rule, expected, float("nan"), told, _shown(rows.clear(), pl.lit("")))
    score = pl.col(column).cast(pl.Float64).fill_nan(None)
    rows = rows.filter(score.is_not_null()).sort(
        "is_new", score, "id", descending=[True, False, False]
    )
    why = pl.format("{}{} {}", _newness(), pl.lit(column), score.round(4))
    return Broken(rule, expected, mean, f"{mean:.4g}", _shown(rows, why, in_order=True))


def _of_value(
    candidate: Candidate, path: tuple[str, str, str], expected: str, share: float
) -> Broken:
    """The rows with a value, those that are new before the others."""
    _, column, value = path
    rows = _new_first(candidate).filter(_is(column, value))
    rows = rows.sort("is_new", "id", descending=[True, False])
    why = pl.format("{}{} {}", _newness(), pl.lit(column), pl.lit(value))
    told = f"{share:.2%} ({rows.height:,} of {candidate.rows.height:,})"
    rule = ".".join(("gate", *path))
    return Broken(rule, expected, share, told, _shown(rows, why, in_order=True))


def _new_first(candidate: Candidate) -> pl.DataFrame:
    """Rows with `is_new`: whether the version before did not have them."""
    old = candidate.old
    if old is None:
        return candidate.rows.with_columns(is_new=pl.lit(value=False))
    return candidate.rows.with_columns(is_new=~pl.col("id").is_in(old["id"].implode()))


def _newness() -> pl.Expr:
    return pl.when("is_new").then(pl.lit("new, ")).otherwise(pl.lit(""))


def _shown(rows: pl.DataFrame, why: pl.Expr, *, in_order: bool = False) -> pl.DataFrame:
    found = rows.select("id", "instruction", why.cast(pl.String).alias("why"))
    return found if in_order else found.sort("id")


def _mean(rows: pl.DataFrame, column: str) -> float | None:
    if column not in rows.columns:
        return None
    mean = rows[column].cast(pl.Float64).fill_nan(None).mean()
    return mean if isinstance(mean, float) else None


def _share(rows: pl.DataFrame, column: str, value: str) -> float:
    if column not in rows.columns or rows.is_empty():
        return 0.0
    return rows.filter(_is(column, value)).height / rows.height


def _is(column: str, value: str) -> pl.Expr:
    return pl.col(column).cast(pl.String) == value
