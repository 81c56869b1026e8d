"""The last step of a run whose recipe names a repository."""

from pathlib import Path
from typing import Any

from huggingface_hub import get_token

from flows.hub.answers import answer
from flows.hub.push import push_version
from flows.publishers.terms import normalise_license
from flows.session import Session
from schemas.errors import InputError
from schemas.manifest import Published
from schemas.recipe import Recipe


def is_pushed(session: Session) -> bool:
    """Whether the run ends on the Hub: the recipe says so, and it may leave this machine."""
    return session.recipe.publish.to is not None and not session.spec.offline


def check_ready(recipe: Recipe) -> None:
    """Raise before anything is paid for where the version could not be pushed in the end.

    Raises:
        InputError: without a token, or with a source without a licence.
    """
    if get_token() is None:
        msg = (
            f"expected a Hub token to publish to {recipe.publish.to}, got none: `hf auth login` "
            "or set $HF_TOKEN, or leave out `publish.to`"
        )
        raise InputError(msg)
    for place, source in enumerate(recipe.sources):
        if normalise_license(source.license) is None:
            msg = (
                f"expected a licence to publish to {recipe.publish.to}, got {source.license!r} for"
                f" 'sources.{place}.license' ({source.path}): state under which one it is"
            )
            raise InputError(msg)


def push_published(session: Session, published: Published) -> dict[str, Any]:
    """Push the version of a run, and return what came of it.

    An existing public repository is accepted unless the recipe itself says `private: true`.

    Raises:
        FeingoldError: as `push_version`.
    """
    options = session.recipe.publish
    pushed = push_version(
        Path(published.path),
        options,
        home=session.home,
        must_be_private=options.private and "private" in options.model_fields_set,
        tell=session.progress.say,
    )
    return answer(pushed)
