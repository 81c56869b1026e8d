"""Builds report.html: why every row of a version is in or out, on one page without network.

What a teacher or a source wrote is hostile. Four walls stand before it: every string that is
printed or packed goes through `show_controls`; the template escapes all it prints, between tags
and never in an attribute or a script; scripts read it as JSON and show it as text content only;
and the page's own policy runs no script but those whose hashes it names.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from flows.disk import write_atomically
from flows.publishers.evidence import evidence_tables
from flows.publishers.sources import source_tables
from flows.report import bundle
from flows.report.cards import make_card, make_example, make_rule
from flows.report.charts import format_number, funnel_bars, make_histograms
from flows.report.examples import MAX_RULE_EXAMPLES, choose_examples, count_rules
from flows.report.map import MAX_POINTS, read_map
from flows.report.points import join_points, pack_points, topic_table
from flows.report.text import shorten, show_controls
from flows.versions import read_data, read_decisions, read_rejects
from schemas.manifest import DatasetManifest

#: Of what can be read without a script.
MAX_TEXT_BYTES: Final = 1_000_000
#: Of the whole page: the plotting library is 1.4 MB of it.
MAX_PAGE_BYTES: Final = 7_500_000
MAX_SOURCES: Final = 200
MAX_CHANGES: Final = 20
MAX_TABLE_SOURCES: Final = 6
#: Characters of one text and rows of one rule; the first with which the text is small enough.
DETAILS: Final = ((1_200, MAX_RULE_EXAMPLES), (600, 8), (300, 8), (150, 4), (75, 2))


def write_report(
    folder: Path,
    manifest: DatasetManifest,
    *,
    target: Path | None = None,
    points: pl.DataFrame | None = None,
) -> Path:
    """Write report.html of a version from its Parquet files, whole or not at all.

    Args:
        folder: of the version, with `data/default`, `decisions` and `rejects`.
        manifest: of the version; its `files` are not read.
        target: where to write it; null: into the version.
        points: the map of its rows; null: the one in the folder, if there is one.

    Returns:
        The path of the page.
    """
    page = build_report(
        read_data(folder),
        read_rejects(folder),
        read_decisions(folder),
        manifest,
        points=read_map(folder) if points is None else points,
    )
    path = target or folder / "report.html"
    write_atomically(path, page.encode("utf-8"))
    return path


def build_report(
    rows: pl.DataFrame,
    rejects: pl.DataFrame,
    decisions: pl.DataFrame,
    manifest: DatasetManifest,
    *,
    points: pl.DataFrame | None = None,
) -> str:
    """Return the page.

    Args:
        rows: the published rows; score columns are used where there are any.
        rejects: the dropped and quarantined rows.
        decisions: DECISIONS of both.
        manifest: counts, sources, licence, teacher and cost.
        points: the map of their rows, POINTS; null or empty: none is shown.

    Returns:
        HTML of at most MAX_PAGE_BYTES, where the last of DETAILS achieves that; the same for
        the same content in any row order.
    """
    chosen = choose_examples(rows, rejects, decisions)
    counts = count_rules(decisions)
    histograms = make_histograms(rows, rejects, manifest.by_stage)
    mapped = None if points is None else join_points(points, rows, rejects, decisions)
    if mapped is not None and mapped.is_empty():
        mapped = None
    topics = None if mapped is None else topic_table(mapped, most_sources=MAX_TABLE_SOURCES)
    carried = {
        "name": manifest.name,
        "version": manifest.version,
        "rules": [show_controls(line["rule"]) for line in counts],
        "funnel": _shown(funnel_bars(manifest.by_stage, counts)),
        "scores": [_shown(found.carry()) for found in histograms],
        "topics": [] if topics is None else [line["topic"] for line in topics["lines"]],
        "map": None if mapped is None else pack_points(mapped),
    }
    fixed: dict[str, Any] = {
        "manifest": manifest,
        "style": bundle.style(),
        "scripts": bundle.scripts(),
        "data": bundle.embed_json(carried),
        "alarms": list(_alarms(manifest.by_stage)),
        "changes": list(_changes(manifest)),
        "sources": manifest.sources[:MAX_SOURCES],
        "source_tables": [
            table._replace(rows=table.rows[:MAX_SOURCES]) for table in source_tables(manifest)
        ],
        "evidence": evidence_tables(manifest),
        "histograms": histograms,
        "has_map": mapped is not None,
        "mapped": mapped.height if mapped is not None else 0,
        "total": rows.height + rejects.height,
        "is_sample": mapped is not None and mapped.height >= MAX_POINTS,
        "topics": topics,
    }
    template = _template()
    page, carries = "", sum(len(str(fixed[name])) for name in ("data", "scripts"))
    for length, examples in DETAILS:
        page = template.render(
            **fixed,
            length=length,
            examples=examples,
            rules=[make_rule(line, chosen, length, examples) for line in counts],
            pairs=[make_example(line, chosen, length) for line in chosen.pairs],
            kept=[make_card(chosen.records[row_id], chosen, length) for row_id in chosen.kept_ids],
        )
        if len(page.encode("utf-8")) - carries <= MAX_TEXT_BYTES:
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
    environment.filters |= {
        "csp_hash": bundle.csp_hash,
        "number": format_number,
        "percent": _percent,
        "shorten": shorten,
    }
    return environment.from_string(bundle.template())


def _finalize(value: object) -> object:
    """Jinja calls this on every printed value, before it escapes."""
    if isinstance(value, Markup):  # styles, scripts and macros of the page itself
        return value
    return show_controls(value) if isinstance(value, str) else value


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "0.0"


def _shown(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Make all strings of a JSON value visible."""
    if isinstance(value, str):
        return show_controls(value)
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def _alarms(stages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What stages warn of in their notes."""
    for stage in stages:
        for name, note in (stage.get("notes") or {}).items():
            if isinstance(note, Mapping) and note.get("alarm"):
                yield f"{stage['stage']}, {name}: {note['alarm']}"


def _changes(manifest: DatasetManifest) -> Iterator[Mapping[str, Any]]:
    """What changed in this version and those before it, the newest first."""
    found = manifest.notes.get("changes")
    for change in (found if isinstance(found, list) else [])[:MAX_CHANGES]:
        lines = change.get("lines") if isinstance(change, Mapping) else None
        if isinstance(lines, list):
            names = ("version", "parent", "created")
            yield {name: str(change.get(name) or "") for name in names} | {"lines": lines}
