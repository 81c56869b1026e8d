"""The checks of `feingold doctor`. Each really does what it checks."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from flows.disk import require_writable
from flows.journal import Journal
from flows.runner import prepare_environment
from flows.teachers.client import Teacher
from flows.teachers.probe import Probing, probe_model, probe_server
from flows.teachers.resolve import make_teacher, price_of, recipe_teachers
from schemas.errors import FeingoldError, InputError
from schemas.recipe import Recipe, TeacherOptions
from schemas.records import TeacherReply, TeacherRequest

_PACKAGES = ("prefect", "fastapi", "polars", "datasets", "datasketch", "openai", "torch")
_PATIENCE = 60.0  # seconds for the first question to a teacher, who may have to load a model
_FIRST_TOKENS = 40


class Probed(NamedTuple):
    """What the server of a teacher supports.

    Attributes:
        probing: what the probes found.
        tokens: billed in all, as far as the server says.
        cost_usd: price of these tokens; null where none is known.
    """

    probing: Probing
    tokens: int
    cost_usd: float | None


class Check(NamedTuple):
    """One finding.

    Attributes:
        name: what was checked.
        is_ok: whether it works.
        detail: what was found, or what to do.
        is_needed: whether a run fails without it.
        is_teacher: whether a teacher was asked.
        probed: what its server supports; null where it did not answer.
    """

    name: str
    is_ok: bool
    detail: str
    is_needed: bool = True
    is_teacher: bool = False
    probed: Probed | None = None


def check_all(recipe: Recipe, *, home: Path) -> list[Check]:
    """Run all checks, the slow ones last."""
    prepare_environment()
    return [
        _attempt("python", _python),
        *[_attempt(name, partial(version, name)) for name in _PACKAGES],
        _attempt("home", lambda: _home(home)),
        _attempt("journal", lambda: _journal(home)),
        _attempt("orchestrator", _orchestrator),
        _attempt("encoder", _encoder),
        *_teachers(recipe_teachers(recipe)),
        _hub_token(),
    ]


def _attempt(name: str, check: Callable[[], str | Check]) -> Check:
    try:
        found = check()
        return Check(name, is_ok=True, detail=found) if isinstance(found, str) else found
    except FeingoldError as error:
        return Check(name, is_ok=False, detail=_printable(str(error)))
    except (ImportError, PackageNotFoundError) as error:
        return Check(name, is_ok=False, detail=f"{error}: run `make setup`")


def _printable(text: str) -> str:
    """Take out what a server may have sent to steer the terminal."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _home(home: Path) -> str:
    require_writable(home)
    return f"{home} is writable"


def _journal(home: Path) -> str:
    with Journal(home) as journal:
        totals = journal.totals()
    return f"{totals['replies']:,.0f} replies, US$ {totals['cost_usd']:.4f}"


def _orchestrator() -> str:
    import prefect
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    return f"Prefect {prefect.__version__}, " + (f"server {url}" if url else "ephemeral server")


def _encoder() -> str:
    from flows.encoders import SentenceEncoder

    vectors = SentenceEncoder().encode(["gold", "silver"])
    return f"all-MiniLM-L6-v2, {vectors.shape[1]} dimensions"


def _teachers(every: Sequence[TeacherOptions]) -> list[Check]:
    if len(every) == 1:
        return [check_teacher(every[0])]
    return [
        check_teacher(options, name=f"teacher {options.model or _local_name(options)}")
        for options in every
    ]


def _local_name(options: TeacherOptions) -> str:
    return "embedded" if options.gguf is None else Path(options.gguf).name


def check_teacher(options: TeacherOptions, *, name: str = "teacher") -> Check:
    """Ask a teacher one short question, then try out what its server supports.

    Args:
        options: as returned by `recipe_teachers`.
        name: of the check.
    """
    return _attempt(name, partial(_teacher, options, name))._replace(is_teacher=True)


def _teacher(options: TeacherOptions, name: str) -> Check:
    seconds = min(options.timeout_seconds, _PATIENCE)
    once = options.model_copy(
        update={"max_attempts": 1, "mode": "online", "timeout_seconds": seconds}
    )
    with ExitStack() as stack:
        # A journal of its own: what is asked here must not be replayed in a run, or counted in it.
        folder = Path(stack.enter_context(TemporaryDirectory()))
        journal = stack.enter_context(Journal(folder))
        teacher = make_teacher(once, stack=stack, journal=journal)
        reply, probing = asyncio.run(_ask(teacher))
    prompt = reply.prompt_tokens + probing.usage.prompt
    completion = reply.completion_tokens + probing.usage.completion
    is_priced = price_of(options) is not None
    cost = teacher.meter.spend(prompt, completion).usd if is_priced else None
    return Check(
        name,
        is_ok=True,
        detail=(
            f"{teacher.identity} answered in {reply.completion_tokens} tokens"
            if reply.error is None
            else f"{teacher.identity.model} answers, but: {_printable(reply.error)}"
        ),
        probed=Probed(probing, prompt + completion, cost),
    )


async def _ask(teacher: Teacher) -> tuple[TeacherReply, Probing]:
    body = {
        "messages": [{"role": "user", "content": "Say yes."}],
        "max_tokens": _FIRST_TOKENS,
    }
    asked = teacher.prepare(TeacherRequest("chat/completions", body))
    try:
        once = iter((True,))
        reply = await teacher.answer(asked, may_go_on=lambda: next(once, False))
        return reply, await probe_server(teacher)
    except InputError as error:
        listed = await probe_model(teacher)
        if not listed.differs:
            raise
        msg = f"{error}; {listed.detail}"
        raise InputError(msg) from error
    finally:
        await teacher.close()


def _hub_token() -> Check:
    from huggingface_hub import get_token

    if get_token() is None:
        detail = "none: only needed to publish (`hf auth login` or $HF_TOKEN)"
        return Check("hub token", is_ok=False, detail=detail, is_needed=False)
    from flows.hub.account import describe_account

    return _attempt("hub token", describe_account)._replace(is_needed=False)
