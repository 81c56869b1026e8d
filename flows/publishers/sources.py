"""What a version says of its sources beside their counts: their review, and their mix."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.publishers.evidence import Table
from schemas.manifest import DatasetManifest


def source_tables(manifest: DatasetManifest) -> list[Table]:
    """Return the tables that stand under the list of sources."""
    tables = []
    for stage in manifest.by_stage:
        notes = stage.get("notes") or {}
        if isinstance(notes.get("review"), Mapping):
            tables.append(_review(notes["review"]))
        if isinstance(notes.get("mix"), Mapping):
            tables.append(_mix(notes["mix"]))
    return [table for table in tables if table.rows]


def _review(found: Mapping[str, Any]) -> Table:
    done = (
        "What was proposed was done."
        if found["applied"]
        else "Nothing of it was done; `--set review.apply=true` does it."
    )
    text = (
        f"Each {found['per']} as a whole, before rows were judged and filtered. Rows: before "
        "deduplication, at the review, after it. Words: the median of its answers. Alike: the "
        "mean cosine of two of its prompts; topics: their effective number. A source with too few "
        f"rows, or whose figures do not suffice, is not judged. {done}"
    )
    header = ["source", "rows", "words", "short", "refusals", "broken", "same answers"]
    header += ["same openings", "alike", "topics", "proposal", "because"]
    return Table(text, header, [_line(line) for line in found["sources"]])


def _mix(found: Mapping[str, Any]) -> Table:
    unit = str(found["unit"])
    says = {
        "fill": "Where a group is short others take its place.",
        "shrink": "Where a group is short all give less, so that the shares hold.",
        "repeat": "For the shares to hold, a training reads each row as often as stated.",
    }
    text = f"The mix by {found['per']}, in {unit}. {says[found['when_short']]}"
    header = [str(found["per"]), "wanted", "share", "rows", unit, "of", "readings"]
    rows = [
        [
            str(line["name"]),
            f"{line['wanted']:.1%}",
            f"{line['share']:.1%}",
            f"{line['rows']:,}",
            f"{line['used']:,}",
            f"{line['available']:,}",
            f"{line['epochs']:g}",
        ]
        for line in found["groups"]
    ]
    return Table(text, header, rows)


def _line(line: Mapping[str, Any]) -> list[str]:
    shares = ("short", "refusals", "malformed", "same_answers", "same_openings")
    proposal = "not judged" if line["proposal"] == "abstain" else str(line["proposal"])
    if line["proposal"] == "sample":
        proposal = f"sample of {line['share']:.0%}"
    return [
        str(line["name"]),
        f"{line['rows_before']:,} → {line['rows']:,} → {line['kept']:,}",
        f"{line['answer_words'][1]:,.0f}",
        *(_percent(line[name]) for name in shares),
        "–" if line["homogeneity"] is None else f"{line['homogeneity']:.2f}",
        "–" if line["topics"] is None else f"{line['topics']:.1f}",
        proposal,
        str(line["evidence"]),
    ]


def _percent(found: Sequence[float | None]) -> str:
    return "–" if found[0] is None else f"{found[0]:.0%}"
