"""Apply the recipe's filters to rows and account for every one of them."""

import difflib
import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import polars as pl
from pydantic import TypeAdapter, ValidationError

from quality.filters import FILTERS
from quality.filters.check import Check
from quality.scorers import SCORERS
from schemas.errors import InputError
from schemas.frames import DECISIONS, ROWS, empty_frame

OnAbstain: TypeAlias = Literal["keep", "drop"]

_FIELDS = ("rule", "column", "value")
_MAX_EVIDENCE_CHARACTERS = 200
#: Working columns; the blank keeps them apart from any column of a ROWS frame.
_PLACE, _ORDER = " place", " order"
_LINES = {_PLACE: pl.UInt32, _ORDER: pl.UInt32, **DECISIONS}


@dataclass(frozen=True, slots=True)
class FilterResult:
    """Rows after filtering, and why.

    Attributes:
        kept: rows that pass, in input order, with the input's columns.
        dropped: rows that do not, in input order, with the input's columns.
        decisions: DECISIONS frame with stage "filter", by row, then by the recipe's order.
    """

    kept: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Rule:
    """A filter of the recipe with its check."""

    name: str
    check: Check


def apply_filters(
    rows: pl.DataFrame,
    filters: Sequence[Mapping[str, Any]],
    *,
    on_abstain: OnAbstain = "keep",
) -> FilterResult:
    """Split rows into kept and dropped, and write down every decision.

    A dropped row has exactly one decision `drop`, by the first failing rule of the recipe, and one
    `would_drop` for every further failing rule. A rule that cannot tell leaves one `abstain`; with
    `on_abstain="drop"` it counts as failed instead, and its decision has no value.

    Args:
        rows: frame with the columns of ROWS; score columns that the filters read are used where
            they exist and computed where they do not.
        filters: mappings with `rule` and, optionally, `column` and `value`.
        on_abstain: what happens to a row for which a rule cannot tell.

    Returns:
        The split; `kept` and `dropped` together are the input.

    Raises:
        InputError: if a filter names an unknown rule or column or has a value of the wrong type.

    Example:
        >>> frame = pl.DataFrame({"id": ["a", "b"], "output": ["Yes", ""]})
        >>> result = apply_filters(frame, [{"rule": "empty_output"}])
        >>> result.kept["id"].to_list(), result.decisions["rule"].to_list()
        (['a'], ['empty_output'])
    """
    rules = _build(filters, columns=rows.columns)
    scored = _add_missing_scores(rows, rules).with_row_index(_PLACE)
    lines = [
        _find_failures(scored, rule, order, on_abstain=on_abstain)
        for order, rule in enumerate(rules)
    ]
    decisions = _settle(pl.concat([empty_frame(_LINES), *lines]))
    dropped = decisions.filter(pl.col("action") == "drop")[_PLACE]
    is_dropped = scored[_PLACE].is_in(dropped.implode())
    return FilterResult(
        kept=rows.filter(~is_dropped),
        dropped=rows.filter(is_dropped),
        decisions=decisions.select(list(DECISIONS)),
    )


def validate_filters(
    filters: Sequence[Mapping[str, Any]], *, columns: Collection[str] = ()
) -> None:
    """Check the recipe's filters without data.

    Args:
        filters: mappings with `rule` and, optionally, `column` and `value`.
        columns: columns that rows will have beside those of ROWS and the scorers.

    Raises:
        InputError: if a filter names an unknown rule or column or has a value of the wrong type.

    Example:
        >>> validate_filters([{"rule": "min_words", "value": 3}])
        >>> validate_filters([{"rule": "min_word"}])
        Traceback (most recent call last):
        schemas.errors.InputError: filters[0].rule: expected 'min_words', got 'min_word'
    """
    _build(filters, columns=[*ROWS, *columns])


def _build(filters: Sequence[Mapping[str, Any]], *, columns: Collection[str]) -> list[_Rule]:
    known = [*columns, *SCORERS]
    return [
        _build_rule(entry, f"filters[{place}]", columns=known)
        for place, entry in enumerate(filters)
    ]


def _build_rule(entry: Mapping[str, Any], path: str, *, columns: Collection[str]) -> _Rule:
    if not isinstance(entry, Mapping):
        msg = f"{path}: expected a mapping with 'rule', got {entry!r}"
        raise InputError(msg)
    for field in entry:
        _require_known(field, _FIELDS, f"{path}.{field}")
    name = entry.get("rule")
    _require_known(name, FILTERS, f"{path}.rule")
    options: dict[str, Any] = {}
    if entry.get("column") is not None:
        _require_known(entry["column"], columns, f"{path}.column")
        options["column"] = entry["column"]
    if entry.get("value") is not None:
        options["value"] = _read_value(name, entry["value"], f"{path}.value")
    try:
        return _Rule(str(name), FILTERS[str(name)](**options))
    except InputError as error:
        msg = f"{path}.{error}"
        raise InputError(msg) from None


def _require_known(name: object, known: Collection[str], path: str) -> None:
    if isinstance(name, str) and name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    expected = repr(near[0]) if near else f"one of {', '.join(sorted(set(known)))}"
    msg = f"{path}: expected {expected}, got {name!r}"
    raise InputError(msg)


def _read_value(rule: object, value: object, path: str) -> object:
    parameters = inspect.signature(FILTERS[str(rule)]).parameters
    if "value" not in parameters:
        msg = f"{path}: expected no value, {rule} takes none, got {value!r}"
        raise InputError(msg)
    annotation: Any = parameters["value"].annotation
    reader: TypeAdapter[object] = TypeAdapter(annotation)
    try:
        return reader.validate_python(value, strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].replace("Input should be ", "expected ")
        msg = f"{path}: {reason}, got {value!r}"
        raise InputError(msg) from None


def _add_missing_scores(rows: pl.DataFrame, rules: Sequence[_Rule]) -> pl.DataFrame:
    needed = dict.fromkeys(name for rule in rules for name in rule.check.scorers)
    for name in needed:
        if name not in rows.columns:
            rows = rows.with_columns(SCORERS[name](rows))
    return rows


def _find_failures(
    scored: pl.DataFrame, rule: _Rule, order: int, *, on_abstain: OnAbstain
) -> pl.DataFrame:
    """Return one line per row that `rule` does not keep."""
    verdict = scored.select(_PLACE, keep=rule.check.keep.cast(pl.Boolean))["keep"]
    unkept = scored.filter(~verdict.fill_null(value=False))
    abstained = verdict.filter(~verdict.fill_null(value=False)).is_null()
    evidence = rule.check.evidence.cast(pl.String).str.slice(0, _MAX_EVIDENCE_CHARACTERS)
    lines = unkept.with_columns(
        pl.lit(order, dtype=pl.UInt32).alias(_ORDER),
        stage=pl.lit("filter"),
        rule=pl.lit(rule.name),
        action=pl.Series(abstained).replace_strict({True: "abstain", False: "drop"}),
        value=rule.check.measured.cast(pl.Float64).fill_nan(None),
        threshold=pl.lit(rule.check.threshold, dtype=pl.Float64),
        matched_id=pl.lit(None, dtype=pl.String),
        similarity=pl.lit(None, dtype=pl.Float64),
        evidence=evidence,
    ).select(list(_LINES))
    if on_abstain == "keep":
        return lines
    is_abstention = pl.col("action") == "abstain"
    return lines.with_columns(
        action=pl.lit("drop"),
        evidence=pl.when(is_abstention).then(pl.lit("abstained")).otherwise("evidence"),
    )


def _settle(lines: pl.DataFrame) -> pl.DataFrame:
    """Turn all failures of a row but the first into `would_drop`."""
    failed = pl.col("action") == "drop"
    earlier = failed.cast(pl.UInt32).cum_sum().over(_PLACE) > 1
    ordered = lines.sort(_PLACE, _ORDER)
    return ordered.with_columns(
        action=pl.when(failed & earlier).then(pl.lit("would_drop")).otherwise("action")
    )
