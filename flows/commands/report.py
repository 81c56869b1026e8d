"""`feingold report`: rebuild the HTML report of a version."""

import argparse
from pathlib import Path
from typing import Any

from flows.report import write_report
from flows.runner import tell
from flows.versions import open_version


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the report beside the version's other files, or show that it is there already.

    A published version never changes: the report goes to the working directory.
    """
    folder, manifest = open_version(arguments.path)
    target = Path(f"{manifest.name}-{manifest.version}-report.html")
    write_report(folder, manifest, target=target)
    tell(f"report of {manifest.name} {manifest.version}: {target}")
    return {"dataset": manifest.name, "version": manifest.version, "path": str(target)}
