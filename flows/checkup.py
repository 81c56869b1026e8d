"""The checks of `feingold doctor`. Each really does what it checks."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from flows.disk import require_writable
from flows.journal import Journal
from flows.runner import prepare_environment
from flows.teachers.budget import Budget
from flows.teachers.client import Teacher
from flows.teachers.resolve import connector, identify, teacher_options
from schemas.errors import FeingoldError
from schemas.recipe import BudgetOptions, TeacherOptions
from schemas.records import TeacherRequest

_PACKAGES = ("prefect", "fastapi", "polars", "datasets", "datasketch", "openai", "torch")


class Check(NamedTuple):
    """One finding.

    Attributes:
        name: what was checked.
        is_ok: whether it works.
        detail: what was found, or what to do.
        is_needed: whether a run fails without it.
    """

    name: str
    is_ok: bool
    detail: str
    is_needed: bool = True


def check_all(options: TeacherOptions, *, home: Path) -> list[Check]:
    """Run all checks, the slow ones last."""
    prepare_environment()
    return [
        _attempt("python", _python),
        *[_attempt(name, partial(version, name)) for name in _PACKAGES],
        _attempt("home", lambda: _home(home)),
        _attempt("journal", lambda: _journal(home)),
        _attempt("orchestrator", _orchestrator),
        _attempt("encoder", _encoder),
        _attempt("teacher", lambda: _teacher(options)),
        _hub_token(),
    ]


def _attempt(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, is_ok=True, detail=check())
    except FeingoldError as error:
        return Check(name, is_ok=False, detail=str(error))
    except (ImportError, PackageNotFoundError) as error:
        return Check(name, is_ok=False, detail=f"{error}: run `make setup`")


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


def _teacher(options: TeacherOptions) -> str:
    """Ask the teacher one short question."""
    resolved = teacher_options(options)
    identity = identify(resolved)
    body = {"messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 5}
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        journal = stack.enter_context(Journal(Path(folder)))
        teacher = Teacher(
            identity,
            resolved.model_copy(update={"max_attempts": 1}),
            connect=connector(resolved, stack),
            journal=journal,
            budget=Budget(BudgetOptions()),
        )
        reply = asyncio.run(teacher.ask_all([TeacherRequest("chat/completions", body)]))[0]
    if reply.error is not None:
        return f"{identity.model} answers, but: {reply.error}"
    return f"{identity.model} at {identity.base_url} answered in {reply.completion_tokens} tokens"


def _hub_token() -> Check:
    from huggingface_hub import get_token

    found = get_token() is not None
    detail = "found" if found else "none: only needed to publish (`hf auth login` or $HF_TOKEN)"
    return Check("hub token", found, detail, is_needed=False)
