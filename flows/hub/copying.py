"""What of a version goes to the Hub: all of it, but the text of rejected rows only when asked.

The copy has a manifest of its own, whose list of files is true for the copy; its `notes.hub` says
which version it was made of, and what was withheld.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.publishers.hub_card import adapt_card
from flows.publishers.parquet import write_shards
from flows.report import write_report
from flows.store import hash_file
from flows.versions import read_rejects, record_file
from schemas.errors import InputError
from schemas.manifest import DatasetManifest, FileRecord

CARD: Final = "README.md"
MANIFEST: Final = "manifest.json"
_REPORT: Final = "report.html"
_REJECTS: Final = "rejects"
_TEXTS: Final = ("system", "instruction", "input", "output", "raw")


@dataclass(frozen=True, slots=True)
class LocalVersion:
    """A version on disk, and how it is to be pushed.

    Attributes:
        folder: its directory.
        manifest: as it is there.
        manifest_sha256: of its bytes; tells this version from every other.
        with_rejects: whether the text of rejected rows goes along.
    """

    folder: Path
    manifest: DatasetManifest
    manifest_sha256: str
    with_rejects: bool

    @property
    def tag(self) -> str:
        """The name of its commit."""
        return f"v{self.manifest.version}"

    @property
    def title(self) -> str:
        """The first line of its commit."""
        return f"{self.manifest.name} {self.manifest.version} ({self.manifest_sha256[:16]})"

    @property
    def note(self) -> dict[str, Any]:
        """What the manifest of the copy says about the copy."""
        whole = "whole" if self.with_rejects else "without text"
        return {"manifest_sha256": self.manifest_sha256, "rejects": whole}

    def is_rewritten(self, path: str) -> bool:
        """Whether a file of the copy differs from that of the version."""
        if path == CARD:
            return True
        return not self.with_rejects and (path == _REPORT or path.startswith(f"{_REJECTS}/"))


def read_local(folder: Path, manifest: DatasetManifest, *, with_rejects: bool) -> LocalVersion:
    """Check a version against its manifest, file by file.

    Raises:
        InputError: if a file is missing or is not what was published.
    """
    for record in manifest.files:
        path = folder / record.path
        found = hash_file(path) if path.is_file() else "no such file"
        if found != record.sha256:
            msg = (
                f"expected {record.path} with SHA-256 {record.sha256}, got {found} in {folder}: "
                "the version was changed after it was published; restore it or run the recipe again"
            )
            raise InputError(msg)
    digest = hash_file(folder / MANIFEST)
    return LocalVersion(folder, manifest, digest, with_rejects)


def copy_files(version: LocalVersion, scratch: Path) -> dict[str, Path]:
    """Gather all files of the copy but card and manifest.

    Args:
        version: what is copied.
        scratch: an empty directory for the files that are written anew.

    Returns:
        Path in the repository to file.
    """
    records = [record.path for record in version.manifest.files]
    files = {path: version.folder / path for path in records if not version.is_rewritten(path)}
    if version.with_rejects:
        return files
    write_shards(_without_text(read_rejects(version.folder)), scratch / _REJECTS, split=_REJECTS)
    # The report reads a version, and shows of this one what the copy holds.
    for item in version.folder.iterdir():
        if item.name not in (_REJECTS, _REPORT):
            (scratch / item.name).symlink_to(item.resolve())
    write_report(scratch, version.manifest)
    made = [scratch / _REPORT, *(scratch / _REJECTS).iterdir()]
    return files | {path.relative_to(scratch).as_posix(): path for path in made}


def complete_copy(
    version: LocalVersion, files: Mapping[str, Path], *, repository: str, earlier_card: str | None
) -> dict[str, Path | bytes]:
    """Add card and manifest.

    Args:
        version: what is copied.
        files: from `copy_files`.
        repository: `owner/name`.
        earlier_card: of the version that the repository shows now; its changelog is kept.

    Returns:
        Path in the repository to file or content, everything the commit writes.
    """
    card = adapt_card(
        (version.folder / CARD).read_text(encoding="utf-8"),
        repository=repository,
        tag=version.tag,
        with_rejects=version.with_rejects,
        earlier=earlier_card,
    ).encode("utf-8")
    known = {record.path: record for record in version.manifest.files}
    records = [FileRecord(path=CARD, sha256=hashlib.sha256(card).hexdigest(), bytes=len(card))]
    for name, path in files.items():
        records.append(known[name] if not version.is_rewritten(name) else record_file(path, name))
    manifest = version.manifest.model_copy(
        update={
            "files": sorted(records, key=lambda record: record.path),
            "notes": {**version.manifest.notes, "hub": version.note},
        }
    )
    text = manifest.model_dump_json(indent=1).encode("utf-8")
    return {**files, CARD: card, MANIFEST: text}


def _without_text(rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows with ids, scores and origin, but without a word of what they say."""
    turns = pl.lit([], dtype=rejects.schema["messages"]).alias("messages")
    bare = rejects.with_columns(pl.lit("").alias(name) for name in _TEXTS).with_columns(turns)
    return bare.with_columns(pl.lit(None, pl.String).alias(name) for name in ("rejected", "about"))
