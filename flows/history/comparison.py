"""The comparison of two versions: what `diff` answers and what a card's changelog is made of."""

from typing import Any

from flows.history.snapshot import Snapshot
from quality.compare.counts import count_changes, field_changes
from quality.compare.rows import RowChanges, compare_rows
from quality.compare.scores import QUANTILES, ScoreShift, Spread, score_shifts
from schemas.frames import ROWS
from schemas.manifest import DatasetManifest, TeacherRecord

#: Edited rows that are listed one by one; their columns are counted whatever their number.
_MOST_EDITED = 100
_SPLITS = ("train", "validation", "test")


def compare_versions(old: Snapshot, new: Snapshot) -> dict[str, Any]:
    """Return all differences of two versions, as JSON."""
    rows = compare_rows(old.rows, new.rows, new.decisions)
    before, after = old.manifest, new.manifest
    shifts = score_shifts(old.rows, new.rows, besides=ROWS)
    return {
        "old": _name(old),
        "new": _name(new),
        "unchanged": rows.unchanged,
        "added": rows.added.to_dicts(),
        "removed": rows.removed.to_dicts(),
        "changed": rows.changed.to_dicts(),
        "moved": rows.moved.to_dicts(),
        "edited": _edited(rows),
        "by_rule": {"old": before.by_rule, "new": after.by_rule},
        "rules": _rules(before, after),
        "sources": [change._asdict() for change in count_changes(_kept(before), _kept(after))],
        "scores": [_shift(shift) for shift in shifts],
        "same_recipe": before.recipe_sha256 == after.recipe_sha256,
        "recipe": [change._asdict() for change in field_changes(old.recipe, new.recipe)],
        "same_code": before.code_version == after.code_version,
        "code": _both(before, after, "code_version", "feingold"),
        "teachers": {"old": _teachers(before), "new": _teachers(after)},
        "licenses": [
            change._asdict() for change in field_changes(_licenses(before), _licenses(after))
        ],
        "cost_usd": {"old": before.cost_usd, "new": after.cost_usd},
    }


def _rules(before: DatasetManifest, after: DatasetManifest) -> list[dict[str, Any]]:
    """What rules took; a refresh counts its own night only, which compares to nothing."""
    notes = [manifest.notes.get("refresh") or {} for manifest in (before, after)]
    if any(note.get("mode") == "add" for note in notes):
        return []
    return [change._asdict() for change in count_changes(before.by_rule, after.by_rule)]


def _name(version: Snapshot) -> dict[str, Any]:
    manifest = version.manifest
    counts = dict(version.rows["split"].value_counts().iter_rows())
    order = [*_SPLITS, *sorted(counts.keys() - set(_SPLITS))]
    return {
        "dataset": manifest.name,
        "version": manifest.version,
        "rows": version.rows.height,
        "created": manifest.created,
        "splits": {split: counts[split] for split in order if split in counts},
    }


def _edited(rows: RowChanges) -> dict[str, Any]:
    counts = rows.edited["columns"].explode().value_counts()
    counts = counts.sort(["count", "columns"], descending=[True, False])
    return {
        "rows": rows.edited.height,
        "columns": dict(counts.iter_rows()) if rows.edited.height else {},
        "first": rows.edited.head(_MOST_EDITED).to_dicts(),
    }


def _kept(manifest: DatasetManifest) -> dict[str, int]:
    return {source.name: source.kept for source in manifest.sources}


def _shift(shift: ScoreShift) -> dict[str, Any]:
    return shift._asdict() | {"old": _spread(shift.old), "new": _spread(shift.new)}


def _spread(spread: Spread) -> dict[str, Any]:
    names = [f"q{share * 100:02.0f}" for share in QUANTILES]
    found = {name: value for name, value in spread._asdict().items() if name != "quantiles"}
    return found | dict(zip(names, spread.quantiles, strict=True))


def _both(old: DatasetManifest, new: DatasetManifest, *names: str) -> dict[str, dict[str, str]]:
    return {
        side: {name: str(getattr(manifest, name)) for name in names}
        for side, manifest in (("old", old), ("new", new))
    }


def _teachers(manifest: DatasetManifest) -> list[str]:
    """Model and address of every teacher; old versions name one alone."""
    lone: list[TeacherRecord] = [manifest.teacher] if manifest.teacher is not None else []
    return [f"{teacher.model} at {teacher.base_url}" for teacher in manifest.teachers or lone]


def _licenses(manifest: DatasetManifest) -> dict[str, str]:
    """Licences by what they are of."""
    found = {"dataset": manifest.license}
    found |= {f"source {source.name}": source.license or "unknown" for source in manifest.sources}
    lone = [manifest.teacher] if manifest.teacher is not None else []
    for teacher in manifest.teachers or lone:
        found[f"teacher {teacher.model}"] = teacher.license or "unknown"
    return found
