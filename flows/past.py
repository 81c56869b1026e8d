"""Rows of earlier versions, for deduplication against them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.session import Session
from flows.versions import open_version, read_data
from schemas.frames import ROWS, empty_frame


@dataclass(frozen=True, slots=True)
class Past:
    """Earlier versions.

    Attributes:
        fingerprint: their content hashes.
        rows: reads them; ids are prefixed with the version so that they cannot meet new ones.
    """

    fingerprint: list[str]
    rows: Callable[[], pl.DataFrame]


def load_past(session: Session, versions: Sequence[str]) -> Past:
    """Open versions named by path, relative to the recipe.

    Raises:
        InputError: if one is not there.
    """
    return open_past([session.resolve_path(version) for version in versions])


def open_past(paths: Sequence[Path]) -> Past:
    """Open versions at `paths`.

    Raises:
        InputError: if one is not there.
    """
    opened = [open_version(path) for path in paths]

    def rows() -> pl.DataFrame:
        frames = [
            _prefixed(read_data(folder), f"{manifest.name}@{manifest.version}", folder)
            for folder, manifest in opened
        ]
        return pl.concat(frames, how="diagonal_relaxed") if frames else empty_frame(ROWS)

    return Past([manifest.content_sha256 for _, manifest in opened], rows)


def _prefixed(rows: pl.DataFrame, name: str, folder: Path) -> pl.DataFrame:
    return rows.with_columns(
        pl.concat_str(pl.lit(f"{name}:"), "id").alias("id"), pl.lit(str(folder)).alias("file")
    )
