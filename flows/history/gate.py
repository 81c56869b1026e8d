"""The gate before publishing: a version that breaks it is not made, and its rows are shown."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.disk import write_atomically
from flows.history.snapshot import Snapshot, read_snapshot
from flows.history.telling import cut_text
from flows.versions import Version
from quality.compare.rows import compare_rows
from quality.regression import Broken, Candidate, check_gate
from schemas.errors import InputError, RunError
from schemas.recipe import DecontaminateOptions, GateOptions

if TYPE_CHECKING:
    from flows.session import Session


class GateError(RunError):
    """A version that breaks the recipe's gate.

    Attributes:
        broken: the rules that it breaks, for `--json`.
    """

    broken: Sequence[Mapping[str, Any]] = ()


def require_gate(
    session: "Session", rows: pl.DataFrame, decisions: pl.DataFrame, parent: Version | None
) -> None:
    """Let a version pass that breaks no rule of the recipe's gate.

    Args:
        session: the run.
        rows: what would be published, with `split`.
        decisions: of the run.
        parent: the version before; None: this is the first.

    Raises:
        GateError: names every broken rule; nothing is published, and the rows behind it are in
            `<home>/gate/<name>.json`.
        InputError: if the gate names a column that the rows have not.
    """
    options = session.recipe.gate
    if options is None:
        return
    _check_columns(options, rows)
    before = None if parent is None else read_snapshot(parent)
    candidate = Candidate(
        rows=rows,
        old=None if before is None else before.rows,
        removed=_removed(before, rows, decisions),
        hits=_hits(session, options, rows),
    )
    broken = check_gate(candidate, options)
    if not broken:
        return
    path = session.home / "gate" / f"{session.recipe.name}.json"
    every = [_describe(rule, None) for rule in broken]
    text = json.dumps({"dataset": session.recipe.name, "broken": every}, ensure_ascii=False)
    write_atomically(path, text.encode())
    raise _refusal(broken, options, path)


def _refusal(broken: Sequence[Broken], options: GateOptions, path: Path) -> GateError:
    """Name every rule with some of its rows, in one line."""
    rules = "; ".join(
        f"{rule.rule}: expected {rule.expected}, got {rule.told}{_examples(rule, options.show)}"
        for rule in broken
    )
    msg = (
        f"the version would break its gate and was not published: {rules}. All rows are in {path}; "
        "what was done is kept. Correct sources or rules and run this again, or accept it "
        "knowingly with `--set gate=null`, or with another limit"
    )
    error = GateError(msg)
    error.broken = [_describe(rule, options.show) for rule in broken]
    return error


def _examples(rule: Broken, count: int) -> str:
    shown = [
        f"{row['id'][:12]} {cut_text(row['instruction'])} ({row['why']})"
        for row in rule.rows.head(count).to_dicts()
    ]
    return f" [{', '.join(shown)}]" if shown else ""


def _describe(rule: Broken, rows: int | None) -> dict[str, Any]:
    """A broken rule as JSON, which knows no NaN."""
    shown = rule.rows if rows is None else rule.rows.head(rows)
    return {
        "rule": rule.rule,
        "expected": rule.expected,
        "got": None if math.isnan(rule.got) else round(rule.got, 6),
        "told": rule.told,
        "count": rule.rows.height,
        "rows": shown.to_dicts(),
    }


def _check_columns(options: GateOptions, rows: pl.DataFrame) -> None:
    numeric = [name for name, kind in rows.schema.items() if kind.is_numeric()]
    for field in ("min_mean", "max_drop", "max_share", "max_growth"):
        known = numeric if field in ("min_mean", "max_drop") else rows.columns
        for column in getattr(options, field):
            if column not in known:
                kind = "a score" if known is numeric else "a column"
                msg = (
                    f"expected {kind} in gate.{field}, got {column!r}: the rows have "
                    f"{', '.join(known)}"
                )
                raise InputError(msg)


def _removed(before: Snapshot | None, rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Rows of the version before that are gone; another answer to the same prompt is no loss."""
    if before is None:
        return pl.DataFrame(schema=dict.fromkeys(("id", "instruction", "rule"), pl.String))
    return compare_rows(before.rows, rows, decisions).removed.select("id", "instruction", "rule")


def _hits(session: "Session", options: GateOptions, rows: pl.DataFrame) -> pl.DataFrame | None:
    """Rows that hold an item of a benchmark word for word."""
    asked = session.recipe.decontaminate
    against = options.benchmarks or (asked.against if asked is not None else ())
    if options.max_contaminated is None:
        return None
    if not against:
        msg = (
            "expected `gate.benchmarks` or `decontaminate.against` with gate.max_contaminated, got "
            "neither: name files"
        )
        raise InputError(msg)
    # Reading benchmarks needs the readers of all formats.
    from flows.decontaminate.benchmarks import load_benchmarks
    from quality.decontaminate import find_contamination

    how = DecontaminateOptions(against=against) if asked is None else asked
    items = load_benchmarks(session, how.model_copy(update={"against": against}))
    return find_contamination(rows, items, ngram=how.ngram, max_coverage=how.max_coverage)
