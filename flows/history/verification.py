"""Verifies a version: every hash, every id, every count, as far as its files are here."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.history.tables import TABLES, Here, read_tables
from flows.store import hash_file
from flows.versions import Version
from quality.proof import Finding
from schemas.manifest import DatasetManifest, FileRecord

#: Says which files were left out on purpose when a version was pushed.
HUB_FILE: Final = "hub.json"
# What stands beside the files of a version: its own list, and what the Hub and its client add.
_UNLISTED = frozenset({"manifest.json", HUB_FILE, ".gitattributes"})
_UNLISTED_FOLDERS = (".cache/", ".huggingface/")
_MISSING = "expected the file that manifest.json lists, got none"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found.

    Attributes:
        files: files that the manifest lists.
        rows: rows of the default config that could be read.
        left_out: beginnings of the paths that were left out on purpose.
        findings: what is not as it was published; none where all is well.
    """

    files: int
    rows: int
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]


def verify_version(version: Version) -> Verified:
    """Recompute all that a version says about itself."""
    folder, manifest = version
    left_out = _left_out(folder, manifest)
    findings = list(_check_files(folder, manifest, left_out))
    tables: Here = read_tables(folder, manifest)
    missing = {name for name in TABLES if f"{name}/".startswith(left_out or ("\0",))}
    findings += tables.unread(besides=missing)
    findings += tables.check(manifest)
    return Verified(len(manifest.files), tables.n_rows, left_out, tuple(findings))


def _left_out(folder: Path, manifest: DatasetManifest) -> tuple[str, ...]:
    """Read which files were left out, from the manifest's notes or the file beside it."""
    found = manifest.notes.get("left_out")
    names = found if isinstance(found, list) else []
    try:
        said = json.loads((folder / HUB_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = None
    if isinstance(said, dict) and isinstance(said.get("left_out"), list):
        names = [*names, *said["left_out"]]
    return tuple(sorted({str(name) for name in names if name}))


def _check_file(folder: Path, record: FileRecord) -> str | None:
    """Say what is wrong with a file; None: nothing."""
    file = folder / record.path
    if Path(record.path).is_absolute() or ".." in Path(record.path).parts:
        return "expected a path within the version in manifest.json"
    if not file.is_file():
        return _MISSING
    if (size := file.stat().st_size) != record.bytes:
        return f"expected {record.bytes:,} bytes, got {size:,}"
    digest = hash_file(file)
    return None if digest == record.sha256 else f"expected sha256 {record.sha256}, got {digest}"


def _check_files(
    folder: Path, manifest: DatasetManifest, left_out: tuple[str, ...]
) -> Iterator[Finding]:
    """Compare every file with its record, and look for files without one."""
    counts = Counter(record.path for record in manifest.files)
    for path in sorted(path for path, count in counts.items() if count > 1):
        yield Finding("manifest.json", f"expected each file once, got {path!r} more often")
    for record in manifest.files:
        problem = _check_file(folder, record)
        is_missed = problem == _MISSING and record.path.startswith(left_out or ("\0",))
        if problem is not None and not is_missed:
            yield Finding(record.path, problem)
    for file in sorted(item for item in folder.rglob("*") if item.is_file()):
        path = file.relative_to(folder).as_posix()
        if path not in {*counts, *_UNLISTED} and not path.startswith(_UNLISTED_FOLDERS):
            yield Finding(path, "expected no file that manifest.json does not list")
