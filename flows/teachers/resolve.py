"""Which teacher a recipe means, and how to reach it."""

import os
from collections.abc import Callable
from contextlib import ExitStack

from flows.teachers.client import Connection, TeacherIdentity
from schemas.errors import InputError
from schemas.recipe import BudgetOptions, TeacherOptions

_OPENAI_URL = "https://api.openai.com/v1"
# Used when a key is in the environment and the recipe names no teacher.
_OPENAI_MODEL = "gpt-4.1-mini"


def teacher_options(options: TeacherOptions) -> TeacherOptions:
    """Fill in a teacher from the environment where the recipe leaves it out.

    `OPENAI_API_KEY` or `OPENAI_BASE_URL` select a hosted or local server, `OPENAI_MODEL` its
    model; a recipe's `teacher.base_url` comes before them.

    Raises:
        InputError: if `base_url` is given without a model.
    """
    if options.base_url is not None:
        if options.model is None:
            msg = "expected teacher.model beside teacher.base_url, got nothing: name the model"
            raise InputError(msg)
        return options
    url = os.environ.get("OPENAI_BASE_URL") or None
    if url is None and not os.environ.get(options.api_key_env):
        return options
    model = options.model or os.environ.get("OPENAI_MODEL") or _OPENAI_MODEL
    return options.model_copy(update={"base_url": url or _OPENAI_URL, "model": model})


def identify(options: TeacherOptions) -> TeacherIdentity:
    """Say who will be asked, without starting or asking anybody.

    Args:
        options: as returned by `teacher_options`.

    Raises:
        InputError: if the embedded teacher is meant and not installed.
    """
    if options.base_url is not None:
        model = str(options.model)
        return TeacherIdentity(options.base_url.rstrip("/"), model, license=options.license)
    from flows.teachers.embedded import LICENSE, MODEL, find_weights, hash_file

    digest = hash_file(find_weights())
    return TeacherIdentity(
        base_url=f"embedded:{digest[:16]}",
        model=MODEL,
        license=LICENSE,
        weights_sha256=digest,
        is_embedded=True,
    )


def connector(options: TeacherOptions, stack: ExitStack) -> Callable[[], Connection]:
    """Return a function that starts what must run, once, and says where it listens.

    Args:
        options: as returned by `teacher_options`.
        stack: stops the embedded server when it closes.
    """
    if options.base_url is not None:
        url, variable = options.base_url.rstrip("/"), options.api_key_env
        # Local servers want no key, but the client insists on one.
        return lambda: Connection(url, os.environ.get(variable) or "none")
    started: list[Connection] = []

    def connect() -> Connection:
        from flows.teachers.embedded import embedded_teacher

        if not started:
            teacher = stack.enter_context(embedded_teacher())
            started.append(Connection(teacher.base_url, teacher.api_key))
        return started[0]

    return connect


def check_budget(options: TeacherOptions, budget: BudgetOptions) -> None:
    """Refuse a money budget that nobody could keep.

    Raises:
        InputError: if money is limited and the price is not known.
    """
    if budget.usd is None or options.base_url is None or options.price_per_million is not None:
        return
    msg = (
        f"expected teacher.price_per_million for {options.model!r} beside budget.usd, got "
        "nothing: give the price of a million prompt and completion tokens"
    )
    raise InputError(msg)
