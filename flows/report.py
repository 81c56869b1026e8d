"""Builds report.html: why every row of a version is in or out, on one page without network.

What a teacher or a source wrote is hostile. Three walls stand before it: every string that the
template prints goes through `show_controls` and then through autoescape; text is printed only
between tags, never in an attribute or a script; and the page's own policy runs no script but the
one whose hash it names.
"""

import base64
import hashlib
import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from flows.disk import write_atomically
from flows.publishers.evidence import evidence_tables
from flows.report_charts import format_number, make_histogram
from flows.report_text import Piece, mark_differences, shorten, show_controls
from flows.versions import read_data, read_decisions, read_rejects
from schemas.manifest import DatasetManifest

MAX_PAGE_BYTES: Final = 1_000_000
MAX_RULE_EXAMPLES: Final = 8
MAX_KEPT_EXAMPLES: Final = 30
MAX_PAIRS: Final = 8
MAX_TURNS: Final = 8
MAX_SOURCES: Final = 200
#: Characters of one text and rows of one rule; the first with which the page is small enough.
DETAILS: Final = ((1_200, MAX_RULE_EXAMPLES), (600, 8), (300, 8), (150, 4), (75, 2))

_EVIDENCE_CHARACTERS = 400
_LABEL_CHARACTERS = 200
_FINAL = ("drop", "quarantine")


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled text of a row; no pieces where it is empty."""

    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A row as it is shown."""

    id: str
    fate: str
    facts: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A row that is out, why, and the row that it repeats, if it is in this version."""

    card: Card
    facts: tuple[tuple[str, str], ...]
    evidence: str
    matched_id: str | None
    match: Card | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with what it did."""

    stage: str
    name: str
    count: int
    would_drop: int
    abstained: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Selection:
    """The decisions and rows that are shown, by id."""

    lines: Mapping[tuple[str, str], Sequence[dict[str, Any]]]
    pairs: Sequence[dict[str, Any]]
    kept_ids: Sequence[str]
    records: Mapping[str, dict[str, Any]]
    fates: Mapping[str, str]
    also: Mapping[str, list[str]]


def write_report(folder: Path, manifest: DatasetManifest, *, target: Path | None = None) -> Path:
    """Write report.html of a version from its Parquet files, whole or not at all.

    Args:
        folder: of the version, with `data/default`, `decisions` and `rejects`.
        manifest: of the version; its `files` are not read.
        target: where to write it; null: into the version.

    Returns:
        The path of the page.
    """
    page = build_report(read_data(folder), read_rejects(folder), read_decisions(folder), manifest)
    path = target or folder / "report.html"
    write_atomically(path, page.encode("utf-8"))
    return path


def build_report(
    rows: pl.DataFrame, rejects: pl.DataFrame, decisions: pl.DataFrame, manifest: DatasetManifest
) -> str:
    """Return the page.

    Args:
        rows: the published rows; score columns are used where there are any.
        rejects: the dropped and quarantined rows.
        decisions: DECISIONS of both.
        manifest: counts, sources, licence, teacher and cost.

    Returns:
        HTML of at most MAX_PAGE_BYTES, where the last of DETAILS achieves that; the same for
        the same content in any row order.
    """
    chosen = _select(rows, rejects, decisions)
    counts = _count_rules(decisions)
    fixed: dict[str, Any] = {
        "manifest": manifest,
        "alarms": list(_alarms(manifest.by_stage)),
        "widest": max([1, *(stage["rows_in"] for stage in manifest.by_stage)]),
        "sources": manifest.sources[:MAX_SOURCES],
        "evidence": evidence_tables(manifest),
        "histograms": [
            found
            for name in ("quality", "output_words")
            if (found := make_histogram(name, rows, rejects)) is not None
        ],
    }
    template = _template()
    page = ""
    for length, examples in DETAILS:
        page = template.render(
            **fixed,
            length=length,
            examples=examples,
            rules=[_rule(line, chosen, length, examples) for line in counts],
            pairs=[_example(line, chosen, length) for line in chosen.pairs],
            kept=[_card(chosen.records[row_id], chosen, length) for row_id in chosen.kept_ids],
        )
        if len(page.encode("utf-8")) <= MAX_PAGE_BYTES:
            break
    return page


def _template() -> Template:
    """The page's template; all that it prints is made visible, then escaped."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"csp_hash": _csp_hash, "number": format_number, "percent": _percent}
    source = files("flows").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _finalize(value: object) -> object:
    """Jinja calls this on every printed value, before it escapes."""
    if isinstance(value, Markup):  # the template's own script and macros
        return value
    return show_controls(value) if isinstance(value, str) else value


def _csp_hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "0.0"


def _select(rows: pl.DataFrame, rejects: pl.DataFrame, decisions: pl.DataFrame) -> _Selection:
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
    return _Selection(
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


def _count_rules(decisions: pl.DataFrame) -> list[dict[str, Any]]:
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


def _rule(counts: Mapping[str, Any], chosen: _Selection, length: int, examples: int) -> Rule:
    lines = chosen.lines.get((counts["stage"], counts["rule"]), [])[:examples]
    return Rule(
        stage=counts["stage"],
        name=counts["rule"],
        count=counts["count"],
        would_drop=counts["would_drop"],
        abstained=counts["abstained"],
        examples=tuple(_example(line, chosen, length) for line in lines),
    )


def _example(line: Mapping[str, Any], chosen: _Selection, length: int) -> Example:
    record = chosen.records.get(line["id"], {"id": line["id"]})
    match = chosen.records.get(line["matched_id"]) if line["matched_id"] else None
    return Example(
        card=_card(record, chosen, length, beside=match),
        facts=tuple(_measurements(line, chosen.also.get(line["id"], []))),
        evidence=shorten(line["evidence"] or "", _EVIDENCE_CHARACTERS),
        matched_id=shorten(line["matched_id"] or "", _LABEL_CHARACTERS) or None,
        match=_card(match, chosen, length, beside=record) if match else None,
    )


def _measurements(line: Mapping[str, Any], also: Sequence[str]) -> Iterator[tuple[str, str]]:
    if line["similarity"] is not None:
        yield "similarity", format_number(line["similarity"])
    if line["value"] is not None and line["value"] != line["similarity"]:
        yield "value", format_number(line["value"])
    if line["threshold"] is not None:
        yield "threshold", format_number(line["threshold"])
    if also:
        yield "also fails", ", ".join(also)


def _card(
    record: Mapping[str, Any],
    chosen: _Selection,
    length: int,
    *,
    beside: Mapping[str, Any] | None = None,
) -> Card:
    """Show a row; words that the row beside it does not have are marked."""
    facts = [
        (label, shorten(value, _LABEL_CHARACTERS))
        for label in ("source", "license", "teacher")
        if (value := record.get(label))
    ]
    facts += [
        (label.replace("_", " "), format_number(record[label]))
        for label in ("quality", "output_words")
        if record.get(label) is not None
    ]
    texts = list(_texts(record))
    others = dict(_texts(beside)) if beside else {}
    everything = "\n".join(others.values())
    return Card(
        id=shorten(record["id"], _LABEL_CHARACTERS),
        fate=chosen.fates.get(record["id"], "kept"),
        facts=tuple(facts),
        fields=tuple(
            _field(label, text, length, beside=others.get(label, everything) if beside else None)
            for label, text in texts
        ),
    )


def _texts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The labelled texts of a row: its parts, its turns, or what came where it has neither."""
    turns = record.get("messages") or []
    if sum(turn["role"] == "user" for turn in turns) > 1:
        for number, turn in enumerate(turns[:MAX_TURNS], start=1):
            yield (
                f"{number} {shorten(turn['role'] or '', _LABEL_CHARACTERS)}",
                turn["content"] or "",
            )
        if len(turns) > MAX_TURNS:
            yield "more", f"{len(turns) - MAX_TURNS} more turns"
        return
    if not record.get("instruction"):
        yield "raw", record.get("raw") or record.get("output") or ""
        return
    for label in ("system", "instruction", "input", "output"):
        if record.get(label) or label == "output":
            yield label, record.get(label) or ""


def _field(label: str, text: str, length: int, *, beside: str | None) -> Field:
    if len(text) > length:
        label = f"{label} (first {length:,} of {len(text):,} characters)"
    shown = shorten(text, length)
    if not shown or beside is None or beside == text:
        return Field(label, (Piece(shown),) if shown else ())
    return Field(label, tuple(mark_differences(shown, beside)))


def _alarms(stages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What stages warn of in their notes."""
    for stage in stages:
        for name, note in (stage.get("notes") or {}).items():
            if isinstance(note, Mapping) and note.get("alarm"):
                yield f"{stage['stage']}, {name}: {note['alarm']}"
