"""Which rows two versions do not share, and why."""

from typing import Final, NamedTuple

import polars as pl

from schemas.frames import DECISIONS

#: Reason of a removed row that the new version has never seen.
GONE: Final = "no longer among the sources"

_PROMPT = ("system", "instruction", "input")
_REASON = ("stage", "rule", "value", "threshold", "matched_id", "similarity", "evidence")
#: Never compared: the id is a hash of the messages, and a move is a change of its own.
_ASIDE = frozenset({"id", "messages", "split"})


class RowChanges(NamedTuple):
    """Rows of two versions, each frame sorted by id.

    Attributes:
        unchanged: number of ids in both.
        added: `id`, `source`, `instruction` of rows of the new version alone.
        removed: the same of rows of the old version alone, and the decision that took each in the
            new version; rule GONE and nulls where there is none.
        changed: `old_id`, `new_id`, `instruction` of pairs with one prompt and another answer, and
            the decision that took the old answer.
        moved: `id`, `instruction`, `old`, `new` of rows in another split.
        edited: `id` and `columns`, a list: rows of the same content with other metadata or scores.
    """

    unchanged: int
    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    moved: pl.DataFrame
    edited: pl.DataFrame


def compare_rows(old: pl.DataFrame, new: pl.DataFrame, decisions: pl.DataFrame) -> RowChanges:
    """Compare two versions row by row.

    Args:
        old: rows of the old version: `id`, `split`, what a prompt consists of, and more.
        new: rows of the new version.
        decisions: DECISIONS of the new version; columns may be missing.
    """
    gone = old.join(new.select("id"), on="id", how="anti")
    came = new.join(old.select("id"), on="id", how="anti")
    pairs = _pair_answers(gone, came)
    removed = gone.join(pairs.select(id="old_id"), on="id", how="anti")
    added = came.join(pairs.select(id="new_id"), on="id", how="anti")
    both = old.join(new, on="id", how="inner", suffix=" new")
    return RowChanges(
        unchanged=old.height - gone.height,
        added=_listed(added),
        removed=_with_reason(_listed(removed), decisions, key="id"),
        changed=_with_reason(pairs, decisions, key="old_id"),
        moved=_moved(both),
        edited=_edited(both, old, new),
    )


def _pair_answers(gone: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """Pair rows with the same prompt and another answer; each row is in one pair at most."""
    number = pl.int_range(pl.len()).over(_PROMPT).alias(" number")
    old = gone.sort("id").select("id", *_PROMPT, number)
    new = came.sort("id").select("id", *_PROMPT, number)
    keys = [*_PROMPT, " number"]
    pairs = old.join(new, on=keys, suffix="_new", maintain_order="left", nulls_equal=True)
    return pairs.select(old_id="id", new_id="id_new", instruction="instruction")


def _listed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("id").select("id", "source", "instruction")


def _with_reason(rows: pl.DataFrame, decisions: pl.DataFrame, *, key: str) -> pl.DataFrame:
    final = decisions.filter(pl.col("action").is_in(["drop", "quarantine"]))
    reasons = final.select(
        pl.col("id").alias(key),
        *(
            pl.col(name) if name in final.columns else pl.lit(None, DECISIONS[name]).alias(name)
            for name in _REASON
        ),
    ).unique(key, keep="first", maintain_order=True)
    told = rows.join(reasons, on=key, how="left", maintain_order="left")
    return told.with_columns(pl.col("rule").fill_null(GONE))


def _moved(both: pl.DataFrame) -> pl.DataFrame:
    moved = both.filter(pl.col("split") != pl.col("split new")).sort("id")
    return moved.select("id", "instruction", old="split", new="split new")


def _edited(both: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in new.columns if name in old.columns and name not in _ASIDE]
    differs = {
        name: _comparable(name, old.schema[name], new.schema[name])
        for name in names
        if _is_flat(old.schema[name]) and _is_flat(new.schema[name])
    }
    lists = [pl.when(test).then(pl.lit(name)) for name, test in differs.items()]
    columns = pl.concat_list(lists or [pl.lit(None, pl.String)]).list.drop_nulls()
    found = both.sort("id").select("id", columns.alias("columns"))
    return found.filter(pl.col("columns").list.len() > 0)


def _is_flat(kind: pl.DataType) -> bool:
    return not kind.is_nested() or kind == pl.List(pl.String)


def _comparable(name: str, old: pl.DataType, new: pl.DataType) -> pl.Expr:
    """Whether two columns differ; NaN equals NaN and null equals null."""
    before, after = pl.col(name), pl.col(f"{name} new")
    if old == pl.List(pl.String) and new == old:
        before, after = before.list.join("\x1f"), after.list.join("\x1f")
    elif old != new:
        before, after = _as_text(before, old), _as_text(after, new)
    return before.ne_missing(after)


def _as_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A column of another type in the other version: all null there, or of integers."""
    if kind.is_numeric():
        column = column.cast(pl.Float64)
    return column.list.join("\x1f") if kind.is_nested() else column.cast(pl.String)
