"""Earlier versions, against which new rows are deduplicated: found, named, located.

A version takes part with its rows or, where only `manifest.json` and `signatures/` were kept, or
nothing but a signature file, without any text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from flows.dedup.header import FOLDER, damaged, hash_file, read_header
from flows.versions import open_version
from schemas.errors import InputError
from schemas.frames import FrameSchema
from schemas.manifest import DatasetManifest
from schemas.recipe import DedupOptions

if TYPE_CHECKING:
    from flows.dedup.past_shards import PastShard
    from flows.session import Session
    from quality.dedup.kernels import Places

_PAST_ID = re.compile(r"^([a-z0-9][a-z0-9-]*)@([^:]+):(.+)$")

#: Where rows of earlier versions are.
PLACES: FrameSchema = {
    "matched_file": pl.String,  # directory of the version, or its signature file where that is all
    "matched_row": pl.Int64,  # 0-based among the rows of its default config; null: not here
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier version, as far as it is here.

    Attributes:
        name: of the dataset.
        version: `major.minor.patch`.
        content_sha256: hash of its row ids.
        label: `name@version`; what its rows' ids begin with.
        where: its directory, or its signature file where that is all.
        data: pattern of the files with its rows; None: they are not here.
        files: its signature files; none in a version from before there were any.
        hashes: sha256 of each, or of the files with rows where there are none.
    """

    name: str
    version: str
    content_sha256: str
    label: str
    where: Path
    data: str | None
    files: tuple[Path, ...]
    hashes: tuple[str, ...]

    @property
    def fingerprint(self) -> list[Any]:
        """What of it shapes a result."""
        return [self.label, self.content_sha256, *self.hashes, self.data is not None]


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier versions, each once, in an order that does not depend on how they were given.

    Attributes:
        versions: sorted by name and version.
        options: how new rows are compared.
        work: directory where files are kept from run to run.
    """

    versions: tuple[Earlier, ...]
    options: DedupOptions
    work: Path

    @property
    def fingerprint(self) -> list[list[Any]]:
        """Everything about them that shapes a result."""
        return [version.fingerprint for version in self.versions]

    def shards(self) -> "list[PastShard]":
        """Return their signatures as the first shards of a deduplication.

        Raises:
            InputError: if some are damaged, or cut otherwise where the rows are not there.
        """
        # numba takes a second to import; a stage that is there already needs none of it.
        from flows.dedup.past_shards import past_shards

        return past_shards(self.versions, self.options.lexical, self.work)

    def places(self, rows: "Places") -> pl.DataFrame:
        """Say where rows are.

        Args:
            rows: int64, ascending and without repeats: numbers among the rows of `shards()`.

        Returns:
            PLACES behind `matched`, the number; one line per row, in the same order.
        """
        from flows.dedup.past_shards import locate_rows

        return locate_rows(self.shards(), rows)


class PastId(NamedTuple):
    """The id of a row of an earlier version, as decisions name it."""

    name: str
    version: str
    id: str


def parse_past_id(text: str) -> PastId | None:
    """Return what `name@version:id` stands for; null for the id of a row of the same run.

    Example:
        >>> parse_past_id("alpaca@1.0.0:8b14")
        PastId(name='alpaca', version='1.0.0', id='8b14')
    """
    found = _PAST_ID.match(text)
    return PastId(*found.groups()) if found else None


def load_past(session: "Session", versions: Sequence[str]) -> Past:
    """Open versions named by path, relative to the recipe, to be compared as it says.

    Raises:
        InputError: if one is not there.
    """
    paths = [session.resolve_path(version) for version in versions]
    return open_past(paths, session.recipe.dedup or DedupOptions(), session.home / "past")


def open_past(paths: Sequence[Path], options: DedupOptions, work: Path) -> Past:
    """Open earlier versions.

    Args:
        paths: each a version's directory, with or without its data/; a dataset's, which stands
            for its newest version; or a signature file. The same version twice counts once.
        options: how new rows are compared.
        work: directory where files are kept from run to run.

    Raises:
        InputError: if one is not there, or its signatures are not those of its manifest.
    """
    opened = [_open_file(path) if path.is_file() else _open_folder(path) for path in paths]
    # Of copies of one version the one that has its rows: they come first.
    opened.sort(key=lambda item: (item.data is None, item.where.is_file(), str(item.where)))
    found: dict[tuple[str, ...], Earlier] = {}
    for version in opened:
        key: tuple[str, ...] = (version.name, version.version, version.content_sha256)
        if version.where.is_file() and key not in found:
            key = (*key, *version.hashes)  # the files of one version may be given one by one
        found.setdefault(key, version)
    versions = sorted(found.items(), key=lambda item: item[0])
    return Past(_told_apart([version for _, version in versions]), options, work)


def _open_folder(path: Path) -> Earlier:
    folder, manifest = open_version(path)
    data = folder / "data" / "default"
    has_data = any(data.glob("*.parquet"))
    recorded = {record.path: record.sha256 for record in manifest.files}
    names = sorted(name for name in recorded if name.startswith(f"{FOLDER}/"))
    files = [folder / name for name in names]
    if has_data and not all(file.is_file() for file in files):
        files = []
    if not files and not has_data:
        msg = (
            f"expected data/ or {FOLDER}/ in a published version, got neither in {folder}: restore "
            "one of them"
        )
        raise InputError(msg)
    for name, file in zip(names, files, strict=False):
        if hash_file(file) != recorded[name]:
            raise damaged(file, "other bytes than its manifest.json lists")
    kept = names if files else [name for name in recorded if name.startswith("data/default/")]
    return Earlier(
        name=manifest.name,
        version=manifest.version,
        content_sha256=manifest.content_sha256,
        label=f"{manifest.name}@{manifest.version}",
        where=folder,
        data=str(data / "*.parquet") if has_data else None,
        files=tuple(files),
        hashes=tuple(recorded[name] for name in sorted(kept)),
    )


def _open_file(path: Path) -> Earlier:
    """Open the version that a signature file belongs to, or else the file alone."""
    folder = path.parent.parent
    if path.parent.name == FOLDER and (folder / "manifest.json").is_file():
        manifest: DatasetManifest = open_version(folder)[1]
        if f"{FOLDER}/{path.name}" in {record.path for record in manifest.files}:
            return _open_folder(folder)
    header = read_header(path)
    return Earlier(
        name=header.name,
        version=header.version,
        content_sha256=header.content_sha256,
        label=f"{header.name}@{header.version}",
        where=path,
        data=None,
        files=(path,),
        hashes=(hash_file(path),),
    )


def _told_apart(versions: Sequence[Earlier]) -> tuple[Earlier, ...]:
    """Add the content to the label where two datasets have one name and version."""
    contents = {(version.label, version.content_sha256) for version in versions}
    counts = Counter(label for label, _ in contents)
    return tuple(
        version
        if counts[version.label] == 1
        else replace(version, label=f"{version.label}+{version.content_sha256[:8]}")
        for version in versions
    )
