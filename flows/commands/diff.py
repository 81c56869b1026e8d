"""`feingold diff`: what changed between two versions, and why."""

import argparse
from typing import Any

from flows.history.comparison import compare_versions
from flows.history.snapshot import read_snapshot
from flows.history.telling import tell_changes, tell_rows
from flows.versions import open_version


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compare two versions row by row."""
    places = {"out": arguments.out, "home": arguments.home}
    old, new = (
        read_snapshot(open_version(name, **places)) for name in (arguments.old, arguments.new)
    )
    answer = compare_versions(old, new)
    answer["lines"] = tell_changes(answer)
    if not arguments.json:
        print(
            f"{old.manifest.name} {old.manifest.version} -> "
            f"{new.manifest.name} {new.manifest.version}"
        )
        for line in (*answer["lines"], *tell_rows(answer)):
            print(f"  {line}")
    return answer
