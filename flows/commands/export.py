"""`feingold export`: write a version for a trainer."""

import argparse
from typing import Any

from flows.export import export_rows
from flows.runner import tell
from flows.versions import open_version, read_data


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Export a version in a named format."""
    folder, manifest = open_version(arguments.path, home=arguments.home)
    done = export_rows(read_data(folder), arguments.format, arguments.out)
    tell(f"{done.written:,} rows of {manifest.name} {manifest.version} written to {arguments.out}")
    for reason, count in done.left_out.items():
        tell(f"  {count:,} left out: {reason}")
    return {
        "dataset": manifest.name,
        "version": manifest.version,
        "format": arguments.format,
        "path": str(arguments.out),
        "rows": done.written,
        "left_out": dict(done.left_out),
    }
