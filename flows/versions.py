"""Finds and reads published versions: on disk, by name, or on the Hub."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
from pydantic import ValidationError

from flows.store import hash_file
from schemas.errors import InputError
from schemas.frames import OPTIONAL
from schemas.manifest import FORMAT, DatasetManifest, FileRecord, Published

#: Where versions are published unless a command says otherwise.
OUT: Final = Path("published")
#: Where what was fetched is kept unless a command says otherwise.
HOME: Final = Path(".feingold")
#: Column that `scan_rows` adds.
SPLIT: Final = "split"

_HUB_PREFIX = "hf:"
_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)$")
_NAMED = re.compile(r"^([a-z0-9][a-z0-9-]*)(?:[@/]v?(\d+\.\d+\.\d+))?/?$")
_SPLIT_OF_FILE = r"([^/\\]+)-\d+-of-\d+\.parquet$"


class Semver(NamedTuple):
    """A semantic version."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class Version(NamedTuple):
    """A published version on disk."""

    folder: Path
    manifest: DatasetManifest

    def as_published(self, *, is_new: bool) -> Published:
        """Return it as a run returns its version."""
        manifest = self.manifest
        return Published(str(self.folder), manifest.version, manifest.content_sha256, is_new=is_new)


def parse_semver(text: str) -> Semver | None:
    """Return the version a directory name stands for, or null."""
    found = _VERSION.match(text)
    return Semver(*map(int, found.groups())) if found else None


def list_versions(folder: Path) -> list[Semver]:
    """Return the complete versions below `<out>/<name>/`, oldest first."""
    if not folder.is_dir():
        return []
    found = [
        parse_semver(path.name) for path in folder.iterdir() if (path / "manifest.json").is_file()
    ]
    return sorted(version for version in found if version is not None)


def open_version(path: Path | str, *, out: Path = OUT, home: Path = HOME) -> Version:
    """Return the directory and manifest of a version.

    Args:
        path: the directory of a version, or of a dataset, which means its newest one;
            `name@1.0.0`, `name/1.0.0` or `name` below `out`; or `hf:owner/name` with `@` and a
            tag, branch or commit behind it.
        out: directory of versions, for names.
        home: what comes from the Hub is kept below it.

    Raises:
        InputError: if there is none.
    """
    if str(path).startswith(_HUB_PREFIX):
        # The client takes a second to import; whoever stays on disk needs none of it.
        from flows.history.remote import fetch_version

        folder = fetch_version(str(path), home)
    else:
        folder = _find(Path(path), out)
    return Version(folder, read_manifest(folder))


def _find(path: Path, out: Path) -> Path:
    """Return the directory of a version on disk."""
    named = _NAMED.match(path.as_posix())
    places = [path]
    if named is not None and not path.exists():
        places.append(out / named[1] / (named[2] or ""))
    for place in places:
        if (place / "manifest.json").is_file():
            return place
        versions = list_versions(place)
        if versions:
            return place / str(versions[-1])
    known = ", ".join(map(str, list_versions(out / named[1]))) if named else ""
    looked = f"; {named[1]} has {known} in {out}" if named and known else ""
    msg = (
        f"expected a published version, got no manifest.json in {path}: give the path "
        f"that `feingold run` printed, such as published/alpaca/1.0.0{looked}"
    )
    raise InputError(msg)


def read_manifest(folder: Path) -> DatasetManifest:
    """Read the manifest of a version, made by any feingold that wrote this layout.

    Fields that this feingold does not know are left out: a newer one added them.

    Raises:
        InputError: if it is damaged, or of a newer layout.
    """
    try:
        data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        layout = data.get("format", FORMAT) if isinstance(data, dict) else FORMAT
        if isinstance(layout, int) and layout > FORMAT:
            msg = (
                f"expected a version of layout {FORMAT} or older, got layout {layout} in {folder}: "
                "a newer feingold wrote it, update this one"
            )
            raise InputError(msg)
        return _validate(data)
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        msg = f"expected a manifest of a published version, got {line!r} in {folder}: restore it"
        raise InputError(msg) from error


def _validate(data: Any) -> DatasetManifest:  # noqa: ANN401  any JSON value
    """Validate a manifest without its unknown fields."""
    try:
        return DatasetManifest.model_validate(data)
    except ValidationError as error:
        problems = error.errors()
        if any(problem["type"] != "extra_forbidden" for problem in problems):
            raise
    for problem in problems:
        *parents, last = problem["loc"]
        place = data
        for part in parents:
            place = place[part]
        del place[last]
    return DatasetManifest.model_validate(data)


def scan_rows(folder: Path, config: str = "default") -> pl.LazyFrame:
    """Return the rows of one config, in the order of its files, with the column `split`."""
    pattern = folder / "data" / config / "*.parquet"
    rows = pl.scan_parquet(pattern, include_file_paths=" file")
    split = pl.col(" file").str.extract(_SPLIT_OF_FILE).fill_null("train").alias(SPLIT)
    return rows.with_columns(split).drop(" file")


def read_data(folder: Path, config: str = "default") -> pl.DataFrame:
    """Read the rows of one config of a version, whatever their split.

    Columns that a version leaves out where no row has a value are null in the config `default`.
    """
    rows = pl.read_parquet(folder / "data" / config / "*.parquet")
    return _fill_optional(rows) if config == "default" else rows


def read_rejects(folder: Path) -> pl.DataFrame:
    """Read the dropped and quarantined rows of a version, whole."""
    return _fill_optional(pl.read_parquet(folder / "rejects" / "*.parquet"))


def _fill_optional(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [name for name in OPTIONAL if name not in rows.columns]
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)


def read_decisions(folder: Path) -> pl.DataFrame:
    """Read the ledger of a version."""
    return pl.read_parquet(folder / "decisions" / "*.parquet")


def split_note(manifest: DatasetManifest) -> Mapping[str, Any]:
    """Return what a manifest says about splits; empty where all rows are in `train`."""
    found = manifest.notes.get("splits")
    return found if isinstance(found, dict) else {}


def record_file(path: Path, name: str) -> FileRecord:
    """Describe a file as a manifest lists it.

    Args:
        path: the file.
        name: its path in the version.
    """
    return FileRecord(path=name, sha256=hash_file(path), bytes=path.stat().st_size)
