"""`feingold publish`: push a version to the Hub."""

import argparse
from typing import NoReturn

from flows.versions import open_version
from schemas.errors import InputError


def run(arguments: argparse.Namespace) -> NoReturn:
    """Say what this verb will do."""
    _, manifest = open_version(arguments.path)
    msg = (
        f"publishing {manifest.name} {manifest.version} to {arguments.to!r} in one tagged Hub "
        "commit is not in this release: use the local directory, or `hf upload` it yourself"
    )
    raise InputError(msg)
