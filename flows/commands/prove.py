"""`feingold prove`: the quality-against-size experiment."""

import argparse
from typing import NoReturn

from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> NoReturn:
    """Say what this verb will do."""
    msg = (
        f"proving quality against size for {arguments.recipe} (training small students on "
        "selected, random and corrupted rows) is not in this release"
    )
    raise InputError(msg)
