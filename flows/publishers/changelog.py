"""The changelog of a dataset: kept in the manifest, shown on the card."""

import re
from typing import Any, Final

from flows.history.comparison import compare_versions
from flows.history.snapshot import Snapshot, read_snapshot
from flows.history.telling import tell_changes
from flows.versions import Version
from schemas.errors import InputError
from schemas.manifest import DatasetManifest

#: Entries that a manifest holds.
MOST_ENTRIES: Final = 50
_MARKUP = re.compile(r"([\\`*\[\]<])")


def list_changes(parent: Version | None, made: Snapshot) -> list[dict[str, Any]]:
    """Return the entries of a new version, newest first.

    Args:
        parent: the version before.
        made: the new one.

    Returns:
        `version`, `parent`, `created` and `lines`, which `feingold diff` says, too; the earlier
        entries are the parent's.
    """
    entry: dict[str, Any] = {
        "version": made.manifest.version,
        "parent": parent.manifest.version if parent is not None else None,
        "created": made.manifest.created,
    }
    if parent is None:
        return [entry | {"lines": [_first(made)]}]
    try:
        lines = tell_changes(compare_versions(read_snapshot(parent), made))
    except InputError as error:  # a version goes out though the one before is damaged
        lines = [f"not compared: {error}"]
    earlier = parent.manifest.notes.get("changes")
    kept = earlier if isinstance(earlier, list) else []
    return [entry | {"lines": lines}, *kept][:MOST_ENTRIES]


def _first(made: Snapshot) -> str:
    sources = sum(1 for source in made.manifest.sources if source.kept)
    return f"first version: {made.rows.height:,} rows of {sources:,} source{'s'[: sources != 1]}"


def render_changelog(manifest: DatasetManifest) -> str:
    """Return the section of a card; empty where the manifest has no entries."""
    entries = manifest.notes.get("changes") or []
    parts = [
        "\n\n".join([f"### {entry['version']}", _dated(entry), _bullets(entry["lines"])])
        for entry in entries
    ]
    return "\n\n".join(["## Changelog", *parts]) if parts else ""


def _dated(entry: dict[str, Any]) -> str:
    after = f", after {entry['parent']}" if entry.get("parent") else ""
    return f"{str(entry.get('created') or '')[:10]}{after}"


def _bullets(lines: list[str]) -> str:
    """Markdown; names of files and rules hold what they like."""
    plain = (_MARKUP.sub(r"\\\1", " ".join(str(line).split())) for line in lines)
    return "\n".join(f"- {line}" for line in plain)
