"""`feingold publish`: push a version to the Hub."""

import argparse
from typing import Any

from flows.runner import prepare_environment, tell
from schemas.errors import InputError
from schemas.recipe import PublishOptions, check_repository


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Push a version in one commit, tag it, and read it back."""
    options = _options(arguments)
    prepare_environment()
    from flows.hub.answers import answer, describe
    from flows.hub.push import push_version

    pushed = push_version(
        arguments.path,
        options,
        home=arguments.home,
        must_be_private=arguments.private,
        tell=tell,
    )
    for line in describe(pushed):
        tell(line)
    return answer(pushed)


def _options(arguments: argparse.Namespace) -> PublishOptions:
    try:
        to = check_repository(arguments.to)
    except ValueError as error:
        msg = f"expected {error}, got {arguments.to!r} for --to: correct it"
        raise InputError(msg) from error
    return PublishOptions(
        to=to,
        private=arguments.private,
        rejects=arguments.rejects,
        allow_personal_data=arguments.allow_personal_data,
    )
