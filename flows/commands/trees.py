"""`feingold trees`: message trees from one export form to the other."""

import argparse
from typing import Any

from flows.runner import tell
from flows.tree_files import convert_trees


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Convert a file of message trees."""
    done = convert_trees(arguments.path, arguments.out, arguments.form)
    tell(f"{done.trees:,} trees with {done.messages:,} messages written to {done.path}")
    for rule, count in done.damaged.items():
        tell(f"  {count:,} in {done.damaged_path}: {rule}")
    return {
        "path": str(done.path),
        "form": done.form,
        "trees": done.trees,
        "messages": done.messages,
        "damaged": sum(done.damaged.values()),
        "damaged_path": None if done.damaged_path is None else str(done.damaged_path),
        "by_rule": dict(done.damaged),
    }
