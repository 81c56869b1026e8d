"""`feingold trees`: message trees from one export form to the other."""

import argparse
from collections.abc import Iterable
from typing import Any

from flows.readers import Item, read_items
from flows.runner import tell
from flows.tree_files import convert_trees, grown_trees
from flows.versions import open_version, read_data


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Convert a file of message trees, or write those that a version's rows were grown in."""
    items: Iterable[Item]
    if arguments.path.is_dir():
        folder, _ = open_version(arguments.path, home=arguments.home)
        items = grown_trees(read_data(folder))
    else:
        items = read_items(arguments.path)
    done = convert_trees(items, arguments.out, arguments.form)
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
