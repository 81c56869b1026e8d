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
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from flows.disk import write_atomically
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
_COMPARED_CHARACTERS = 10_000
_BINS = 20
_WORD = re.compile(r"\w+")
_PART = re.compile(r"\w+|\W+")
_FINAL = ("drop", "quarantine")
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)


class Piece(NamedTuple):
    """A stretch of text; `is_marked` where the row beside it does not have these words."""

    text: str
    is_marked: bool = False


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


class Bar(NamedTuple):
    """One bin of a histogram: shares of the kept and of the other rows, 1.0 is the highest bar."""

    kept: float
    out: float
    caption: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distribution of a score; null scores are counted as abstained and not drawn."""

    name: str
    bars: tuple[Bar, ...]
    low: str
    high: str
    kept_median: str
    out_median: str
    abstained: int


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
        "histograms": [
            found
            for name in ("quality", "output_words")
            if (found := _histogram(name, rows, rejects)) is not None
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


def show_controls(text: str) -> str:
    r"""Replace what a reader cannot see, or what turns text around, by something visible.

    Line feed and tab stay. Control characters become their pictures, others U+FFFD; bidirectional
    controls, zero-width and tag characters become `[U+XXXX]`. Joiners (U+200C, U+200D) stay: words
    and emoji need them.

    Example:
        >>> show_controls("a\x00b\u202ec\n")
        'a\u2400b[U+202E]c\n'
    """
    return _UNSAFE.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}:
        return "\ufffd"
    return f"[U+{code:04X}]"


def _template() -> Template:
    """The page's template; all that it prints is made visible, then escaped."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"csp_hash": _csp_hash, "number": _number, "percent": _percent}
    source = files("flows").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _finalize(value: object) -> object:
    """Jinja calls this on every printed value, before it escapes."""
    if isinstance(value, Markup):  # the template's own script and macros
        return value
    return show_controls(value) if isinstance(value, str) else value


def _csp_hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


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
        evidence=_cut(line["evidence"] or "", _EVIDENCE_CHARACTERS),
        matched_id=_cut(line["matched_id"] or "", _LABEL_CHARACTERS) or None,
        match=_card(match, chosen, length, beside=record) if match else None,
    )


def _measurements(line: Mapping[str, Any], also: Sequence[str]) -> Iterator[tuple[str, str]]:
    if line["similarity"] is not None:
        yield "similarity", _number(line["similarity"])
    if line["value"] is not None and line["value"] != line["similarity"]:
        yield "value", _number(line["value"])
    if line["threshold"] is not None:
        yield "threshold", _number(line["threshold"])
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
        (label, _cut(value, _LABEL_CHARACTERS))
        for label in ("source", "license", "teacher")
        if (value := record.get(label))
    ]
    facts += [
        (label.replace("_", " "), _number(record[label]))
        for label in ("quality", "output_words")
        if record.get(label) is not None
    ]
    texts = list(_texts(record))
    others = dict(_texts(beside)) if beside else {}
    everything = "\n".join(others.values())
    return Card(
        id=_cut(record["id"], _LABEL_CHARACTERS),
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
            yield f"{number} {_cut(turn['role'] or '', _LABEL_CHARACTERS)}", turn["content"] or ""
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
    shown = _cut(text, length)
    if not shown or beside is None or beside == text:
        return Field(label, (Piece(shown),) if shown else ())
    return Field(label, tuple(_mark(shown, beside)))


def _mark(text: str, beside: str) -> Iterator[Piece]:
    """Split a text into words that the other text has too and words that it has not.

    Nothing is marked where most words differ: that is seen without.
    """
    common = set(_WORD.findall(beside[:_COMPARED_CHARACTERS].casefold()))
    parts = _PART.findall(text)
    flags = [_is_word(part) and part.casefold() not in common for part in parts]
    if 2 * sum(flags) > sum(map(_is_word, parts)):
        flags = [False] * len(parts)
    for place in range(1, len(parts) - 1):  # what stands between two marked words
        if flags[place - 1] and flags[place + 1] and not _is_word(parts[place]):
            flags[place] = True
    for is_marked, group in groupby(zip(parts, flags, strict=True), key=itemgetter(1)):
        yield Piece("".join(part for part, _ in group), is_marked)


def _is_word(part: str) -> bool:
    return part[0].isalnum() or part[0] == "_"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _histogram(name: str, rows: pl.DataFrame, rejects: pl.DataFrame) -> Histogram | None:
    """Compare a score of the kept rows with that of the others; null where nothing has it."""
    kept, kept_abstained = _scores(name, rows)
    out, _ = _scores(name, rejects)
    every = pl.concat([kept, out])
    if every.is_empty():
        return None
    low, high = 0.0, max(1.0, _quantile(every, 0.99)) if name != "quality" else 1.0
    shares = [_shares(group, low, high) for group in (kept, out)]
    top = max(max(group) for group in shares)
    width = (high - low) / _BINS
    bars = [
        Bar(
            of_kept / top,
            of_out / top,
            f"{_number(low + place * width)} to {_number(low + (place + 1) * width)}: "
            f"{100 * of_kept:.1f} % of kept, {100 * of_out:.1f} % of the others",
        )
        for place, (of_kept, of_out) in enumerate(zip(*shares, strict=True))
    ]
    return Histogram(
        name=name.replace("_", " "),
        bars=tuple(bars),
        low=_number(low),
        high=_number(high) + (" and more" if _quantile(every, 1.0) > high else ""),
        kept_median=_number(_quantile(kept, 0.5)),
        out_median=_number(_quantile(out, 0.5)),
        abstained=kept_abstained,
    )


def _scores(name: str, frame: pl.DataFrame) -> tuple[pl.Series, int]:
    """The finite scores of a frame and the number of rows without one."""
    if name not in frame.columns:
        return pl.Series(name, [], dtype=pl.Float64), 0
    scores = frame[name].cast(pl.Float64)
    found = scores.filter(scores.is_finite().fill_null(value=False))
    return found, frame.height - found.len()


def _quantile(scores: pl.Series, share: float) -> float:
    found = scores.quantile(share, interpolation="linear")
    return math.nan if found is None else found


def _shares(scores: pl.Series, low: float, high: float) -> list[float]:
    """The share of scores in each bin; what lies outside counts for the first or last one."""
    places = ((scores - low) / (high - low) * _BINS).floor().clip(0, _BINS - 1).cast(pl.Int64)
    counts = dict(places.value_counts().iter_rows())
    return [counts.get(place, 0) / max(1, scores.len()) for place in range(_BINS)]


def _alarms(stages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What stages warn of in their notes."""
    for stage in stages:
        for name, note in (stage.get("notes") or {}).items():
            if isinstance(note, Mapping) and note.get("alarm"):
                yield f"{stage['stage']}, {name}: {note['alarm']}"
