"""Finds and reads published versions."""

import re
from pathlib import Path
from typing import NamedTuple

import polars as pl

from schemas.errors import InputError
from schemas.manifest import DatasetManifest

_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)$")


class Semver(NamedTuple):
    """A semantic version."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


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


def open_version(path: Path) -> tuple[Path, DatasetManifest]:
    """Return the directory and manifest of a version; a dataset directory means its newest one.

    Raises:
        InputError: if there is none.
    """
    folder = path
    if not (folder / "manifest.json").is_file():
        versions = list_versions(path)
        if not versions:
            msg = (
                f"expected a published version, got no manifest.json in {path}: give the path "
                "that `feingold run` printed, such as published/alpaca/1.0.0"
            )
            raise InputError(msg)
        folder = path / str(versions[-1])
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        return folder, DatasetManifest.model_validate_json(text)
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        msg = f"expected a manifest of a published version, got {line!r} in {folder}: restore it"
        raise InputError(msg) from error


def read_data(folder: Path, config: str = "default") -> pl.DataFrame:
    """Read the rows of one config of a version."""
    return pl.read_parquet(folder / "data" / config / "*.parquet")


def read_rejects(folder: Path) -> pl.DataFrame:
    """Read the dropped and quarantined rows of a version, whole."""
    return pl.read_parquet(folder / "rejects" / "*.parquet")


def read_decisions(folder: Path) -> pl.DataFrame:
    """Read the ledger of a version."""
    return pl.read_parquet(folder / "decisions" / "*.parquet")
