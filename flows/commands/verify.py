"""`feingold verify`: proves that a version is as it was published."""

import argparse
from typing import Any

from flows.history.verification import verify_version
from flows.versions import open_version
from quality.proof import Finding
from schemas.errors import RunError

_SHOWN = 40


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Recompute every hash, id and count of a version.

    Raises:
        RunError: if anything is not as it was published; its summary names all of it.
    """
    version = open_version(arguments.path, out=arguments.out, home=arguments.home)
    manifest = version.manifest
    found = verify_version(version)
    answer = {
        "dataset": manifest.name,
        "version": manifest.version,
        "path": str(version.folder),
        "content_sha256": manifest.content_sha256,
        "ok": not found.findings,
        "files": found.files,
        "rows": found.rows,
        "left_out": list(found.left_out),
        "findings": [finding._asdict() for finding in found.findings],
    }
    name = f"{manifest.name} {manifest.version}"
    if found.findings:
        if not arguments.json:
            _show(found.findings)
        msg = (
            f"expected {name} as it was published, got {len(found.findings):,} "
            f"finding{'s'[: len(found.findings) != 1]} in {version.folder}: restore it from a copy "
            "or from the Hub, or publish again"
        )
        error = RunError(msg)
        error.summary = answer
        raise error
    if not arguments.json:
        left_out = f"; left out on purpose: {', '.join(found.left_out)}" if found.left_out else ""
        print(
            f"{name} is as it was published: {found.files:,} files, {found.rows:,} rows, content "
            f"{manifest.content_sha256}{left_out}"
        )
    return answer


def _show(findings: tuple[Finding, ...]) -> None:
    for finding in findings[:_SHOWN]:
        rows = f"; rows {', '.join(map(repr, finding.ids))}" if finding.ids else ""
        more = " ..." if finding.total > len(finding.ids) > 0 else ""
        print(f"  {finding.where}: {finding.what}{rows}{more}")
    if len(findings) > _SHOWN:
        print(f"  ... and {len(findings) - _SHOWN:,} more, all in --json")
