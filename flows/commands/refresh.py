"""`feingold refresh`: what is new since the last version, and nothing else."""

import argparse
from typing import Any

from flows.recipes import load_recipe
from flows.refresh.running import describe_refresh, refresh_recipe
from flows.runner import tell


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Add what is new to the newest version of a dataset."""
    summary = refresh_recipe(
        load_recipe(arguments.recipe, arguments.set),
        home=arguments.home,
        out=arguments.out,
        offline=arguments.offline,
        is_full=arguments.full,
    )
    tell(describe_refresh(summary))
    return summary
