"""Quotes a run before it starts, from rendered prompts, the journal and stated assumptions."""

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from flows.generate import Ledger, Maker, profile_of, proposal_request
from flows.generators.profiles import Profile
from flows.journal import Journal
from flows.prompts import read_prompts
from flows.recipes import LoadedRecipe
from flows.seeds import load_seeds
from flows.session import RunSpec, Session
from flows.teachers.resolve import teacher_options
from schemas.recipe import RespondOptions, SelfInstructOptions
from schemas.records import TeacherRequest

_CHARACTERS_PER_TOKEN = 4.0
_SAMPLED = 8
_FILL = 0.6  # share of the token limit that an answer uses
_BATCH_ROWS = 128
# Tokens a second: the embedded teacher on two cores; a hosted one, for each request in flight.
_EMBEDDED_SPEED = 100.0
_HOSTED_SPEED = 50.0


class Asked(NamedTuple):
    """Requests and tokens of one generator."""

    requests: int
    prompt: int
    completion: int
    rows: int


def estimate(loaded: LoadedRecipe, *, home: Path) -> dict[str, Any]:
    """Return requests, tokens, money and time of a run.

    Args:
        loaded: the recipe.
        home: its journal is looked at, nothing is written.

    Raises:
        InputError: if seeds or prompts cannot be read.
    """
    spec = RunSpec(
        loaded.recipe.name,
        str(home),
        "",
        str(loaded.base),
        loaded.recipe.model_dump_json(),
        loaded.text,
    )
    session = Session(spec)
    options = teacher_options(loaded.recipe.teacher)
    asked = [
        _respond(session, generator)
        if isinstance(generator, RespondOptions)
        else _self_instruct(session, generator)
        for generator in loaded.recipe.generators
    ]
    total = (
        Asked(*(sum(column) for column in zip(*asked, strict=True))) if asked else Asked(0, 0, 0, 0)
    )
    price = options.price_per_million
    is_free = options.base_url is None or not asked
    cost = 0.0 if is_free else None
    if price is not None:
        cost = (total.prompt * price.prompt + total.completion * price.completion) / 1e6
    speed = _EMBEDDED_SPEED if options.base_url is None else _HOSTED_SPEED * options.max_in_flight
    row_tokens = round(total.completion / total.requests) if total.requests else 0
    return {
        "dataset": loaded.recipe.name,
        "teacher": {"model": session.teacher_identity.model if asked else None},
        "requests": total.requests,
        "in_journal": _in_journal(home) if asked else 0,
        "tokens": {"prompt": total.prompt, "completion": total.completion},
        "cost_usd": cost,
        "seconds": round((total.prompt / 10 + total.completion) / speed, 1),
        "training": {
            "rows": total.rows,
            "tokens_per_epoch": total.rows * row_tokens,
            "batch_rows": _BATCH_ROWS,
            "steps_per_epoch": math.ceil(total.rows / _BATCH_ROWS),
        },
        "assumptions": [
            *(_yields(session, generator) for generator in loaded.recipe.generators),
            f"{_CHARACTERS_PER_TOKEN:g} characters a token, answers use {_FILL:.0%} of their limit",
            f"{speed:,.0f} completion tokens a second",
        ],
    }


def _self_instruct(session: Session, options: SelfInstructOptions) -> Asked:
    """Enough proposals for the target, and the answers to those that pass."""
    maker = Maker(session, options, profile_of(session, options), Ledger(Counter()))
    profile = maker.profile
    seeds = load_seeds(session, options)
    tasks = math.ceil(options.target / profile.answer_yield)
    proposals = math.ceil(tasks / profile.gate_yield / profile.proposals_per_request)
    answers = tasks * profile.answers_per_task
    shown = [proposal_request(maker, seeds, number).request for number in range(_SAMPLED)]
    task_tokens = _tokens("".join(seed.instruction + seed.input for seed in seeds)) // len(seeds)
    limit = min(profile.proposal_max_tokens, profile.proposals_per_request * (task_tokens + 4))
    return Asked(
        requests=proposals + answers,
        prompt=proposals * _mean_prompt(shown) + answers * (task_tokens + 20),
        completion=proposals * limit + _answer_tokens(profile, answers),
        rows=options.target,
    )


def _respond(session: Session, options: RespondOptions) -> Asked:
    profile = profile_of(session, options)
    prompts = read_prompts(session, options).tasks
    answers = len(prompts) * profile.answers_per_task
    length = sum(_tokens(task.instruction + task.input) + 20 for task in prompts)
    rows = round(len(prompts) * profile.answer_yield)
    prompt_tokens = length * profile.answers_per_task
    return Asked(answers, prompt_tokens, _answer_tokens(profile, answers), rows)


def _yields(session: Session, options: SelfInstructOptions | RespondOptions) -> str:
    profile = profile_of(session, options)
    gates = f"{profile.gate_yield:.0%} of proposed tasks pass the gates, "
    if isinstance(options, RespondOptions):
        gates = ""
    return f"{gates}{profile.answer_yield:.0%} of answered ones every rule"


def _answer_tokens(profile: Profile, count: int) -> int:
    return round(count * (profile.answer_max_tokens or 0) * _FILL)


def _mean_prompt(requests: Sequence[TeacherRequest]) -> int:
    texts = [str(item.body.get("prompt") or item.body.get("messages")) for item in requests]
    return sum(map(_tokens, texts)) // len(texts)


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _in_journal(home: Path) -> int:
    if not (home / "journal.sqlite").is_file():
        return 0
    with closing(Journal(home)) as journal:
        return int(journal.totals()["replies"])
