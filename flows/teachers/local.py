"""The teachers that feingold serves itself: which model is meant, and what to record of it."""

from pathlib import Path

from flows.teachers.client import TeacherIdentity
from flows.teachers.embedded import (
    CONTEXT_TOKENS,
    LICENSE,
    MODEL,
    SLOTS,
    Served,
    find_weights,
    hash_weights,
    require_server,
)
from flows.teachers.embedded_server import SAMPLER
from flows.teachers.model_file import inspect_model
from schemas.errors import InputError
from schemas.manifest import LocalWeights
from schemas.recipe import TeacherOptions


def local_model(options: TeacherOptions) -> Served:
    """Say which model is meant and how it is served; nothing is started.

    Args:
        options: a teacher without `base_url`; its `gguf` is an absolute path.

    Raises:
        InputError: if a package or the file is missing, or the file cannot be a teacher.
    """
    path = find_weights() if options.gguf is None else Path(options.gguf)
    require_server()
    found = inspect_model(path)
    most = found.trained_context or CONTEXT_TOKENS
    name = MODEL if options.gguf is None else options.model or found.name
    if options.context is not None and options.context > most and found.trained_context:
        msg = (
            f"expected teacher.context of {most:,} at most, which {name} was made for, got "
            f"{options.context:,}: lower it"
        )
        raise InputError(msg)
    return Served(
        path,
        name,
        LICENSE if options.gguf is None else found.license or options.license,
        options.slots or SLOTS,
        options.context or min(CONTEXT_TOKENS, most),
        is_embedded=options.gguf is None,
    )


def local_identity(options: TeacherOptions) -> TeacherIdentity:
    """Say who a local teacher is: other weights are another teacher, wherever the file lies.

    Args:
        options: as for `local_model`.

    Raises:
        InputError: as `local_model`.
    """
    served = local_model(options)
    digest = hash_weights(served.path)
    kind = "embedded" if served.is_embedded else "gguf"
    return TeacherIdentity(
        base_url=f"{kind}:{digest[:16]}",
        model=served.model,
        license=served.license,
        weights_sha256=digest,
        is_embedded=served.is_embedded,
        weights=_weights(served),
    )


def require_same(served: Served, digest: str | None) -> None:
    """See that a file still is what its replies will be filed under.

    Args:
        served: about to be started.
        digest: sha256 when the run began.

    Raises:
        InputError: if it has changed since.
    """
    if hash_weights(served.path) != digest:
        msg = (
            f"expected the weights that this run began with, got others in {str(served.path)!r}: "
            "leave the file alone while a run uses it, then run the same command again"
        )
        raise InputError(msg)


def _weights(served: Served) -> LocalWeights:
    found = inspect_model(served.path)
    return LocalWeights(
        file=served.path.name,
        architecture=found.architecture,
        quantization=found.quantization,
        parameters=found.parameters,
        chat_template_sha256=found.chat_template_sha256,
        context=served.context_tokens,
        slots=served.slots,
        sampler=dict(SAMPLER),
    )
