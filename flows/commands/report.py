"""`feingold report`: rebuild the HTML report of a version."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import polars as pl

from flows.disk import write_atomically
from flows.report import write_report
from flows.report.map import LEAST_ROWS, draw_map, read_map
from flows.runner import tell
from flows.versions import open_version, read_data, read_rejects
from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Rebuild the report.

    A published version never changes: where today's report differs from the one it was published
    with, it goes to the working directory.
    """
    folder, manifest = open_version(arguments.path, home=arguments.home)
    points = read_map(folder)
    if points is None and manifest.rows_in >= LEAST_ROWS:
        points = _draw(folder, arguments.home)
    aside = Path(f"{manifest.name}-{manifest.version}-report.html")
    target = write_report(folder, manifest, target=aside, points=points)
    published = {record.path: record.sha256 for record in manifest.files}
    if hashlib.sha256(aside.read_bytes()).hexdigest() == published.get("report.html"):
        target = folder / "report.html"
        write_atomically(target, aside.read_bytes())
        aside.unlink()
    tell(f"report of {manifest.name} {manifest.version}: {target}")
    return {"dataset": manifest.name, "version": manifest.version, "path": str(target)}


def _draw(folder: Path, home: Path) -> pl.DataFrame:
    """Draw the map of a version that was published without one; it is not added to it."""
    # Loading torch takes seconds; whoever has a map needs none of it.
    from flows.encoders import SentenceEncoder

    tell("this version has no map: drawing one")
    try:
        encoder = SentenceEncoder()
    except InputError:
        encoder = None  # rows are compared by their words
    return draw_map(read_data(folder), read_rejects(folder), encoder=encoder, cache=home / "models")
