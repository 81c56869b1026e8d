"""What rules and thresholds cost, as the JSON object of `feingold tune`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from flows.tune.examples import find_examples
from flows.tune.labelled import LabelledRows, ScoredLabels, join_files
from flows.tune.stored import Stored, storing_command
from quality.tuning.auto import propose_filters
from quality.tuning.costs import (
    RuleCosts,
    ThresholdCost,
    cost_rules,
    cost_thresholds,
    rules_for,
)
from quality.tuning.directions import compare_pairs
from quality.tuning.distribution import describe_scores
from quality.tuning.marks import Marked, find_bad, rate_rules
from quality.tuning.rules import (
    Entry,
    drops_low,
    missing_columns,
    spell_out,
    threshold_of,
)
from schemas.errors import InputError


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be shown.

    Attributes:
        columns: score columns.
        values: thresholds to compare; none: quantiles and round numbers.
        min_precision: wanted of proposed filters.
        has_examples: whether rows next to a threshold are shown.
    """

    columns: Sequence[str]
    values: Sequence[float] = ()
    min_precision: float = 0.9
    has_examples: bool = False


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every column is held against."""

    stored: Stored
    rules: list[dict[str, Any]]
    costs: RuleCosts
    files: Sequence[ScoredLabels]
    marked: Marked | None


def tune(stored: Stored, files: Sequence[ScoredLabels], question: Question) -> dict[str, Any]:
    """Say what rules and thresholds cost.

    Args:
        stored: rows with scores.
        files: labelled files with scores.
        question: what is to be shown.

    Returns:
        A JSON object.

    Raises:
        InputError: if a rule can take none of the thresholds that were asked for.
    """
    spelled = [spell_out(entry) for entry in stored.rules]
    missing = [missing_columns(entry, stored.rows.columns) for entry in spelled]
    rules = [entry for entry, lacks in zip(spelled, missing, strict=True) if not lacks]
    labelled = join_files(files)
    marked = None if labelled is None else Marked(labelled.rows, find_bad(labelled.target))
    costs = cost_rules(stored.rows, rules, on_abstain=stored.on_abstain)
    scene = _Scene(stored, rules, costs, files, marked)
    dropped = int(costs.dropped.any(axis=0).sum())
    return {
        "paths": stored.names,
        "rows": stored.rows.height,
        "aside": stored.aside,
        "dropped": dropped,
        "share": _share(dropped, stored.rows.height),
        "rules": _describe_rules(scene),
        "not_stored": _describe_missing(spelled, missing),
        "columns": [_describe_column(name, scene, question) for name in question.columns],
        "labels": [_describe_file(one) for one in files],
        "proposal": None if labelled is None else _propose(labelled, question.min_precision),
    }


def _describe_rules(scene: _Scene) -> list[dict[str, Any]]:
    marked, rules = scene.marked, scene.rules
    figures = rate_rules(marked, rules) if marked is not None else [None] * len(rules)
    return [
        {
            **_name(cost.entry),
            "dropped": cost.dropped,
            "share": _share(cost.dropped, scene.stored.rows.height),
            "alone": cost.alone,
            "abstained": cost.abstained,
            "labels": None if found is None else found.as_dict(),
        }
        for cost, found in zip(scene.costs.rules, figures, strict=True)
    ]


def _describe_missing(
    entries: Sequence[Entry], missing: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """Name the rules that read what is not stored, and one command that stores it for all."""
    lacking = list(dict.fromkeys(name for lacks in missing for name in lacks))
    command = storing_command(lacking)
    return [
        {**_name(entry), "columns": list(lacks), "stored_by": command}
        for entry, lacks in zip(entries, missing, strict=True)
        if lacks
    ]


def _describe_column(name: str, scene: _Scene, question: Question) -> dict[str, Any]:
    scores = scene.stored.rows[name]
    found = describe_scores(scores)
    pairs = [
        {"file": one.labelled.name, **compare_pairs(one.rows[name], one.labelled.target).as_dict()}
        for one in scene.files
        if one.labelled.kind == "pairs" and name in one.rows.columns
    ]
    return {
        "name": name,
        "rows": found.rows,
        "abstained": found.abstained,
        "quantiles": {f"{share:g}": value for share, value in found.quantiles.items()},
        "histogram": [asdict(one) for one in found.histogram],
        "by_source": _describe_sources(scene.stored.rows, name),
        "pairs": pairs,
        "tables": [
            _describe_table(entry, scene, question)
            for entry in rules_for(name, scene.rules)
            if not missing_columns(entry, scene.stored.rows.columns)
        ],
    }


def _describe_sources(rows: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    """Say where a score lies in each source, if there are several."""
    if rows["source"].n_unique() < 2:
        return []
    score = pl.col(name).cast(pl.Float64).fill_nan(None)
    found = rows.group_by("source").agg(
        score.count().alias("rows"),
        score.null_count().alias("abstained"),
        *(score.quantile(share).alias(label) for share, label in ((0.05, "low"), (0.5, "median"))),
    )
    return found.sort("source").to_dicts()


def _describe_table(entry: Entry, scene: _Scene, question: Question) -> dict[str, Any]:
    rows = scene.stored.rows
    others = [place for place, rule in enumerate(scene.rules) if rule != entry]
    beyond = np.any(scene.costs.dropped[others], axis=0)
    costs = cost_thresholds(rows, entry, beyond, values=question.values, marked=scene.marked)
    if question.values and not costs:
        msg = (
            f"expected --thresholds that {entry['rule']} can take, got "
            f"{', '.join(f'{value:g}' for value in question.values)}: leave them out to see some"
        )
        raise InputError(msg)
    return {
        **_name(entry),
        "drops": "low" if drops_low(entry) else "high",
        "is_in_recipe": len(others) < len(scene.rules),
        "thresholds": [_describe_threshold(cost, rows.height) for cost in costs],
        "examples": find_examples(rows, costs) if question.has_examples else [],
    }


def _describe_threshold(cost: ThresholdCost, n_rows: int) -> dict[str, Any]:
    return {
        "threshold": threshold_of(cost.entry),
        "is_current": cost.is_current,
        "dropped": cost.dropped,
        "share": _share(cost.dropped, n_rows),
        "more": cost.more,
        "by_source": cost.by_source,
        "labels": None if cost.labels is None else cost.labels.as_dict(),
    }


def _describe_file(one: ScoredLabels) -> dict[str, Any]:
    labelled = one.labelled
    is_bad = find_bad(labelled.target)
    return {
        "file": labelled.name,
        "kind": labelled.kind,
        "rows": one.rows.height,
        "bad": None if labelled.kind == "pairs" else int(is_bad.sum()),
        "joined": one.joined,
    }


def _propose(labelled: LabelledRows, min_precision: float) -> dict[str, Any]:
    found = propose_filters(labelled.rows, labelled.target, min_precision=min_precision)
    return found.as_dict()


def _name(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rule": entry["rule"],
        "column": entry.get("column"),
        "threshold": threshold_of(entry),
    }


def _share(count: int, of: int) -> float:
    return round(count / of, 6) if of else 0.0
