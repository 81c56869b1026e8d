"""`feingold report`: rebuild the HTML report of a version."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from flows.disk import write_atomically
from flows.report import write_report
from flows.runner import tell
from flows.versions import open_version


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Rebuild the report.

    A published version never changes: where today's report differs from the one it was published
    with, it goes to the working directory.
    """
    folder, manifest = open_version(arguments.path)
    aside = Path(f"{manifest.name}-{manifest.version}-report.html")
    target = write_report(folder, manifest, target=aside)
    published = {record.path: record.sha256 for record in manifest.files}
    if hashlib.sha256(aside.read_bytes()).hexdigest() == published.get("report.html"):
        target = folder / "report.html"
        write_atomically(target, aside.read_bytes())
        aside.unlink()
    tell(f"report of {manifest.name} {manifest.version}: {target}")
    return {"dataset": manifest.name, "version": manifest.version, "path": str(target)}
