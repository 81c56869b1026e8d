"""What a repository holds at a commit, and whether that is one version, whole."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from flows.hub.copying import CARD, MANIFEST, LocalVersion
from flows.hub.repository import RemoteFile, Repository
from schemas.errors import InputError
from schemas.manifest import DatasetManifest, FileRecord


@dataclass(frozen=True, slots=True)
class Shown:
    """The version that a repository shows.

    Attributes:
        name: of the dataset.
        version: of the dataset.
        paths: the files that were written with it.
        card: its README.
    """

    name: str
    version: str
    paths: frozenset[str]
    card: str | None


def read_copy(repository: Repository, commit: str) -> DatasetManifest | None:
    """Return the manifest of a commit; null where there is none that this feingold can read."""
    text = repository.read(commit, MANIFEST)
    if text is None:
        return None
    try:
        return DatasetManifest.model_validate_json(text)
    except ValueError:
        return None


def holds_version(repository: Repository, commit: str, version: LocalVersion) -> bool:
    """Whether a commit shows a version whole: every file with the hash of its manifest.

    Files are compared by the hashes that the Hub states, small ones that it states none of by
    what it gives out.
    """
    remote = read_copy(repository, commit)
    if remote is None or remote.notes.get("hub") != version.note:
        return False
    if not _is_same_list(remote, version):
        return False
    tree = repository.tree(commit)
    return all(
        _is_there(repository, commit, record, tree.get(record.path), version)
        for record in remote.files
    )


def _is_same_list(remote: DatasetManifest, version: LocalVersion) -> bool:
    """Whether all files that a copy does not write anew are those of the version."""
    listed = [record for record in remote.files if not version.is_rewritten(record.path)]
    own = [record for record in version.manifest.files if not version.is_rewritten(record.path)]
    is_card_there = any(record.path == CARD for record in remote.files)
    return is_card_there and sorted(listed, key=_path) == sorted(own, key=_path)


def _path(record: FileRecord) -> str:
    return record.path


def _is_there(
    repository: Repository,
    commit: str,
    record: FileRecord,
    found: RemoteFile | None,
    version: LocalVersion,
) -> bool:
    if found is None or found.bytes != record.bytes:
        return False
    if found.sha256 is not None:
        return found.sha256 == record.sha256
    if version.is_rewritten(record.path):
        return repository.hash_file(commit, record.path) == record.sha256
    return found.blob == git_hash((version.folder / record.path).read_bytes())


def git_hash(content: bytes) -> str:
    """Return the name that git gives to a file's content.

    Example:
        >>> git_hash(b"hello")
        'b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0'
    """
    return hashlib.sha1(b"blob %d\x00" % len(content) + content).hexdigest()  # noqa: S324


def read_shown(repository: Repository, commit: str) -> Shown | None:
    """Return what version a commit shows; null where feingold never wrote there.

    The manifest may be of a later feingold: only what is needed is read.

    Raises:
        InputError: if there is a `manifest.json` of something else.
    """
    text = repository.read(commit, MANIFEST)
    card = repository.read(commit, CARD)
    if text is None:
        return None
    try:
        found: dict[str, Any] = json.loads(text)
        paths = [str(record["path"]) for record in found["files"]]
        name, version = str(found["name"]), str(found["version"])
    except (ValueError, KeyError, TypeError) as error:
        msg = (
            f"expected a manifest of feingold, got another manifest.json in {repository.name}: "
            "name a repository of its own"
        )
        raise InputError(msg) from error
    shown = None if card is None else card.decode("utf-8", "replace")
    return Shown(name, version, frozenset([*paths, MANIFEST]), shown)
