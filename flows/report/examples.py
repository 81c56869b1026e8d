"""Chooses the rows that the report shows, by hash of their ids."""

import hashlib
import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import polars as pl

MAX_RULE_EXAMPLES: Final = 8
MAX_KEPT_EXAMPLES: Final = 30
MAX_PAIRS: Final = 8

_FINAL = ("drop", "quarantine")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decisions and rows that are shown, by id."""

    lines: Mapping[tuple[str, str], Sequence[dict[str, Any]]]
    pairs: Sequence[dict[str, Any]]
    kept_ids: Sequence[str]
    records: Mapping[str, dict[str, Any]]
    fates: Mapping[str, str]
    also: Mapping[str, list[str]]


def choose_examples(rows: pl.DataFrame, rejects: pl.DataFrame, decisions: pl.DataFrame) -> Chosen:
    """Choose what is shown, by hash of the id, and look it up."""
    final = decisions.filter(pl.col("action").is_in(_FINAL))
    lines = {
        (str(stage), str(rule)): _sample(group)
        for (stage, rule), group in final.group_by("stage", "rule")
    }
    pairs = _doubtful_pairs(final)
    kept_ids = heapq.nsmallest(MAX_KEPT_EXAMPLES, rows["id"], key=_draw)
    shown = [*pairs, *(line for group in lines.values() for line in group)]
    wanted = {*kept_ids, *(line[name] for line in shown for name in ("id", "matched_id"))}
    is_wanted = pl.col("id").is_in(sorted(wanted - {None}))
    records = {
        record["id"]: record
        for frame in (rejects, rows)
        for record in frame.filter(is_wanted).iter_rows(named=True)
    }
    fates = final.filter(is_wanted).select("id", "rule").iter_rows()
    others = decisions.filter(is_wanted, pl.col("action") == "would_drop").sort("id", "rule")
    return Chosen(
        lines=lines,
        pairs=pairs,
        kept_ids=_best_first(kept_ids, records),
        records=records,
        fates={row_id: f"out: {rule}" for row_id, rule in fates},
        also={
            row_id: [rule for _, rule in group]
            for row_id, group in groupby(others.select("id", "rule").iter_rows(), key=itemgetter(0))
        },
    )


def _sample(lines: pl.DataFrame) -> list[dict[str, Any]]:
    """A draw of decisions that depends on their ids only."""
    ids = heapq.nsmallest(MAX_RULE_EXAMPLES, lines["id"], key=_draw)
    found = lines.filter(pl.col("id").is_in(ids)).iter_rows(named=True)
    return sorted(found, key=lambda line: _draw(line["id"]))


def _draw(row_id: str) -> tuple[bytes, str]:
    return hashlib.sha256(row_id.encode("utf-8")).digest(), row_id


def _doubtful_pairs(final: pl.DataFrame) -> list[dict[str, Any]]:
    """The duplicates that came nearest to being kept; those without any difference come last."""
    found = final.filter(pl.col("stage") == "dedup", pl.col("matched_id").is_not_null())
    margin = pl.col("similarity") - pl.col("threshold").fill_null(0)
    ranked = found.sort(pl.col("rule") == "exact_duplicate", margin, "id", nulls_last=True)
    return ranked.head(MAX_PAIRS).to_dicts()


def _best_first(ids: Sequence[str], records: Mapping[str, dict[str, Any]]) -> list[str]:
    def rank(row_id: str) -> tuple[float, str]:
        score = records[row_id].get("quality")
        return (-score if score is not None else math.inf, row_id)

    return sorted(ids, key=rank)


def count_rules(decisions: pl.DataFrame) -> list[dict[str, Any]]:
    """What each rule did, the one that took most rows first."""
    action = pl.col("action")
    counts = (
        decisions.filter(action != "keep")
        .group_by("stage", "rule")
        .agg(
            action.is_in(_FINAL).sum().alias("count"),
            (action == "would_drop").sum().alias("would_drop"),
            (action == "abstain").sum().alias("abstained"),
        )
    )
    return counts.sort(["count", "stage", "rule"], descending=[True, False, False]).to_dicts()
