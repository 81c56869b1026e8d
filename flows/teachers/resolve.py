"""Which teacher a recipe means, and how to reach it."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flows.claims import Claims
from flows.journal import Journal
from flows.teachers.budget import Budget, Meter, Purse, Spend
from flows.teachers.client import BATCH_DISCOUNT, Teacher, TeacherIdentity
from flows.teachers.embedded import SLOTS
from flows.teachers.panel import Panel
from flows.teachers.prices import listed_price
from flows.teachers.sender import Connection
from flows.teachers.servers import Server, server_for, with_overrides
from schemas.errors import InputError
from schemas.recipe import BudgetOptions, Price, Recipe, TeacherOptions

_OPENAI_URL = "https://api.openai.com/v1"
# Used when a key is in the environment and the recipe names no teacher.
_OPENAI_MODEL = "gpt-4.1-mini"


def recipe_teachers(recipe: Recipe) -> list[TeacherOptions]:
    """The teachers of a recipe; a single one may come from the environment.

    Raises:
        InputError: if `base_url` is given without a model, or every weight is 0.
    """
    if len(recipe.teachers) == 1:
        return [teacher_options(recipe.teachers[0])]
    if not any(options.weight for options in recipe.teachers):
        msg = "expected a teacher with a weight above 0, got none: raise one in `teacher`"
        raise InputError(msg)
    for options in recipe.teachers:
        _require_model(options)
    return list(recipe.teachers)


def teacher_options(options: TeacherOptions) -> TeacherOptions:
    """Fill in a teacher from the environment where the recipe leaves it out.

    `OPENAI_API_KEY` or `OPENAI_BASE_URL` select a hosted or local server, `OPENAI_MODEL` its
    model; a recipe's `teacher.base_url` comes before them.

    Raises:
        InputError: if `base_url` is given without a model.
    """
    _require_model(options)
    if options.base_url is not None or options.gguf is not None:
        return options
    url = os.environ.get("OPENAI_BASE_URL") or None
    if url is None and not os.environ.get(options.api_key_env):
        return options
    if url is not None and "@" in url:
        msg = (
            "expected an address without user and password in $OPENAI_BASE_URL, got one with them: "
            "put the key into $OPENAI_API_KEY"
        )
        raise InputError(msg)
    model = options.model or os.environ.get("OPENAI_MODEL") or _OPENAI_MODEL
    return options.model_copy(update={"base_url": url or _OPENAI_URL, "model": model})


def judging_dataset(name: str) -> str:
    """Return the name under which the journal counts what judging a dataset costs."""
    return f"{name}/judge"


def make_panel(
    recipe: Recipe, *, stack: ExitStack, journal: Journal, claims: Claims, offline: bool = False
) -> Panel:
    """Make the teachers of a recipe ready to be asked; nothing is sent or started yet.

    Args:
        recipe: whose teachers.
        stack: stops the embedded server when it closes.
        journal: where replies are kept.
        claims: what is asked at present.
        offline: replay only.

    Raises:
        InputError: if a teacher cannot be meant, or a money budget not be kept.
    """
    every = recipe_teachers(recipe)
    check_budget(every, recipe.budget)
    budget = Budget(recipe.budget)
    teachers = [
        make_teacher(
            options,
            stack=stack,
            journal=journal,
            budget=budget,
            dataset=recipe.name,
            position=position,
        )
        for position, options in enumerate(every)
    ]
    count_spent(budget, teachers, dataset=recipe.name, journal=journal, claims=claims)
    # The budget of a recipe is for its judges, too.
    count_spent(budget, [], dataset=judging_dataset(recipe.name), journal=journal, claims=claims)
    return Panel(teachers, journal=journal, claims=claims, offline=offline)


def count_spent(
    budget: Budget,
    teachers: Sequence[Teacher],
    *,
    dataset: str,
    journal: Journal,
    claims: Claims,
) -> None:
    """Count what earlier runs spent: a budget is for the dataset, not for one attempt at it.

    Else each start after a stop would spend it once more. Teachers of one address and model share
    what is counted for them: the journal does not tell accounts apart.

    Args:
        budget: of the run.
        teachers: each with a budget of its own.
        dataset: whose spending.
        journal: what was paid for.
        claims: what had left when a process was killed; it goes into the journal, at worst case.
    """
    gone = claims.left_behind()
    answered = journal.find([loss.key for loss in gone])
    journal.put(*(loss for loss in gone if loss.key not in answered))
    claims.forget()
    for spent in journal.spent_by(dataset):
        paid = Spend(usd=spent.usd, requests=spent.requests, tokens=spent.tokens)
        budget.count(paid)
        for teacher in teachers:
            identity = teacher.identity
            if (identity.base_url, identity.model) == (spent.base_url, spent.model):
                teacher.budget.count(paid)


def make_teacher(
    options: TeacherOptions,
    *,
    stack: ExitStack,
    journal: Journal,
    budget: Budget | None = None,
    dataset: str = "",
    position: int = 0,
) -> Teacher:
    """Make one teacher ready to be asked; nothing is sent or started yet.

    Args:
        options: as returned by `teacher_options`.
        stack: stops the embedded server when it closes.
        journal: where replies are kept.
        budget: of the run, beside the teacher's own.
        dataset: whose budget pays.
        position: in the recipe's list of teachers.
    """
    identity = identify(options)
    options = _paced(options)
    free = Price(prompt=0, completion=0)
    own = Budget(options.budget, teacher=position)
    return Teacher(
        identity,
        options,
        recipe_server(identity, options),
        connect=connector(options, stack, weights_sha256=identity.weights_sha256),
        journal=journal,
        purse=Purse(own) if budget is None else Purse(budget, own),
        budget=own,
        meter=Meter(price_of(options) or free),
        batch_meter=Meter(batch_price(options) or free),
        dataset=dataset,
        position=position,
    )


def _paced(options: TeacherOptions) -> TeacherOptions:
    """Send a model file no more than it works on: what queues there for long times out."""
    if options.gguf is None:
        return options
    most = options.slots or SLOTS
    return options.model_copy(update={"max_in_flight": min(options.max_in_flight, most)})


def locate_teachers(recipe: Recipe, base: Path) -> Recipe:
    """Return a recipe whose model files have absolute paths.

    Args:
        recipe: as it was written.
        base: directory that its relative paths start from.
    """
    found: dict[str, Any] = {}
    if any(options.gguf is not None for options in recipe.teachers):
        found["teacher"] = _located(recipe.teacher, base)
    judge = recipe.judge
    if judge is not None and judge.teacher is not None:
        located = _located(judge.teacher, base)
        found["judge"] = judge.model_copy(update={"teacher": located})
    return recipe.model_copy(update=found) if found else recipe


def _located(
    teachers: TeacherOptions | tuple[TeacherOptions, ...], base: Path
) -> TeacherOptions | tuple[TeacherOptions, ...]:
    if not isinstance(teachers, TeacherOptions):
        return tuple(_locate(options, base) for options in teachers)
    return _locate(teachers, base)


def _locate(options: TeacherOptions, base: Path) -> TeacherOptions:
    if options.gguf is None:
        return options
    return options.model_copy(update={"gguf": str(Path(base, options.gguf).absolute())})


def require_models(recipe: Recipe) -> None:
    """See that every model file of a recipe is there, before anything runs.

    Args:
        recipe: as returned by `locate_teachers`.

    Raises:
        InputError: if one is missing, or cannot be a teacher.
    """
    judges = recipe.judge.teacher if recipe.judge is not None else None
    named = () if judges is None else judges if isinstance(judges, tuple) else (judges,)
    for options in (*recipe.teachers, *named):
        if options.gguf is not None:
            from flows.teachers.local import local_model

            local_model(options)


def recipe_server(identity: TeacherIdentity, options: TeacherOptions) -> Server:
    """Return what is known of a teacher's server, with what the recipe says of it.

    Args:
        identity: from `identify`.
        options: as returned by `teacher_options`.

    Raises:
        InputError: if the recipe names an unknown server or feature.
    """
    server = server_for(identity.base_url, named=options.server)
    return with_overrides(server, options.supports)


def _require_model(options: TeacherOptions) -> None:
    if options.base_url is not None and options.model is None:
        msg = "expected teacher.model beside teacher.base_url, got nothing: name the model"
        raise InputError(msg)


def identify(options: TeacherOptions) -> TeacherIdentity:
    """Say who will be asked, without starting or asking anybody.

    Args:
        options: as returned by `teacher_options`.

    Raises:
        InputError: if a local teacher is meant and not there.
    """
    if options.base_url is not None:
        model = str(options.model)
        return TeacherIdentity(options.base_url.rstrip("/"), model, license=options.license)
    from flows.teachers.local import local_identity

    return local_identity(options)


def connector(
    options: TeacherOptions, stack: ExitStack, *, weights_sha256: str | None = None
) -> Callable[[], Connection]:
    """Return a function that starts what must run, once, and says where it listens.

    Args:
        options: as returned by `teacher_options`.
        stack: stops a local server when it closes.
        weights_sha256: of local weights, as replies are filed under it; null: any.
    """
    if options.base_url is not None:
        url, variable = options.base_url.rstrip("/"), options.api_key_env
        return lambda: Connection(url, _read_key(variable))
    started: list[Connection] = []

    def connect() -> Connection:
        from flows.teachers.embedded import embedded_teacher
        from flows.teachers.local import local_model, require_same

        if not started:
            served = local_model(options)
            if weights_sha256 is not None:
                require_same(served, weights_sha256)
            teacher = stack.enter_context(embedded_teacher(served))
            started.append(Connection(teacher.base_url, teacher.api_key))
        return started[0]

    return connect


def _read_key(variable: str) -> str:
    """The key from the environment; local servers want none, but the client insists on one."""
    key = os.environ.get(variable, "").strip() or "none"
    if not key.isascii() or not key.isprintable() or " " in key:
        msg = (
            f"expected a key in ${variable}, got text with characters that no key has: set the "
            "variable to the key alone"
        )
        raise InputError(msg)
    return key


def price_of(options: TeacherOptions) -> Price | None:
    """Price of a teacher: the recipe's, else the list price; null where neither is known.

    The embedded teacher costs nothing.

    Args:
        options: as returned by `teacher_options`.
    """
    if options.price_per_million is not None:
        return options.price_per_million
    if options.base_url is None:
        return Price(prompt=0, completion=0)
    listed = listed_price(options.base_url, str(options.model))
    return None if listed is None else Price(prompt=listed.prompt, completion=listed.completion)


def batch_price(options: TeacherOptions) -> Price | None:
    """Price of a teacher's batches: the list's; half of what the recipe says; null if unknown.

    A listed host without a price for batches may have no discount, so it gets none.

    Args:
        options: as returned by `teacher_options`.
    """
    usual = price_of(options)
    if usual is None:
        return None
    if options.price_per_million is not None:
        half = BATCH_DISCOUNT
        return Price(prompt=usual.prompt * half, completion=usual.completion * half)
    listed = listed_price(options.base_url or "", str(options.model))
    if listed is None or listed.batch_prompt is None or listed.batch_completion is None:
        return usual
    return Price(prompt=listed.batch_prompt, completion=listed.batch_completion)


def check_budget(teachers: Sequence[TeacherOptions], budget: BudgetOptions) -> None:
    """Refuse a money budget that nobody could keep.

    Args:
        teachers: as returned by `teacher_options`.
        budget: of the run.

    Raises:
        InputError: if money is limited and a price is not known.
    """
    for options in teachers:
        is_limited = budget.usd is not None or options.budget.usd is not None
        if is_limited and price_of(options) is None:
            msg = (
                f"expected teacher.price_per_million for {options.model!r} beside a budget in usd, "
                "got nothing and no list price is known: give the price of a million prompt and "
                "completion tokens"
            )
            raise InputError(msg)
