"""Pushes and looks, in this process."""

import io
from pathlib import Path
from typing import Any

import polars as pl

from flows.hub.answers import Pushed
from flows.hub.push import push_version
from schemas.recipe import PublishOptions
from tests.support.hub import FakeHub

REPO = "me/set"


def push(path: Path, *, home: Path, must_be_private: bool = False, **options: Any) -> Pushed:
    """Push a version to `me/set`."""
    return push_version(
        path,
        PublishOptions(**{"to": REPO, "private": False, **options}),
        home=home,
        must_be_private=must_be_private,
        tell=lambda line: None,
    )


def rows_of(hub: FakeHub, revision: str = "main", config: str = "default") -> pl.DataFrame:
    """The rows that a reader finds."""
    files = hub.shown(REPO, revision) or {}
    parts = [files[path] for path in sorted(files) if path.startswith(f"data/{config}/")]
    return pl.concat([pl.read_parquet(io.BytesIO(part)) for part in parts])
