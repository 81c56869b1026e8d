"""`feingold plan`: what a run would ask and cost; asks nobody."""

import argparse
from typing import Any

from flows.estimate import Quote, describe_training, quote_recipe
from flows.recipes import load_recipe
from flows.session import Session
from flows.training import describe_sums, do_sums, quoted_tokens
from schemas.errors import InputError
from schemas.recipe import TrainingOptions, read_amount
from schemas.recipe.training import MOST


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the quote of a recipe."""
    loaded = load_recipe(arguments.recipe, arguments.set)
    training = _training_options(arguments, loaded.recipe.training)
    quote, session = quote_recipe(loaded, home=str(arguments.home))
    sums = None if training is None else _sums(session, quote, training)
    session.close()
    models = [identity.model for identity in session.teacher_identities]
    has_teacher = bool(loaded.recipe.generators)
    answer = {
        "dataset": loaded.recipe.name,
        "teacher": {"model": models[0] if has_teacher else None},
        "teachers": models if has_teacher else [],
        "requests": quote.requests,
        "in_journal": quote.in_journal,
        "tokens": {"prompt": quote.prompt_tokens, "completion": quote.completion_tokens},
        "cost_usd": quote.cost_usd,
        "seconds": quote.seconds,
        "training": describe_training(quote),
        "arithmetic": sums,
        "assumptions": list(quote.assumptions),
    }
    if not arguments.json:
        print(_describe(answer))
    return answer


def _training_options(
    arguments: argparse.Namespace, stated: TrainingOptions | None
) -> TrainingOptions | None:
    """What the flags say, else the recipe; null where neither names a model."""
    flags = {
        "parameters": ("--params", arguments.params),
        "unique_tokens": ("--unique-tokens", arguments.unique_tokens),
        "flops_per_second": ("--flops-per-second", arguments.flops_per_second),
    }
    given = {name: _amount(flag, text) for name, (flag, text) in flags.items() if text is not None}
    known = {} if stated is None else stated.model_dump(exclude_unset=True)
    if given and "parameters" not in known | given:
        msg = "expected --params beside the other figures, got none: name the size of the model"
        raise InputError(msg)
    return TrainingOptions.model_validate(known | given) if known | given else None


def _amount(flag: str, text: str) -> object:
    try:
        value = read_amount(text)
    except ValueError as error:
        msg = f"expected {error}, got {text!r} for {flag}: correct it"
        raise InputError(msg) from error
    if not isinstance(value, float) or not 0 < value <= MOST:
        msg = f"expected a number above 0, {MOST:g} at most, got {text!r} for {flag}: correct it"
        raise InputError(msg)
    return value


def _sums(session: Session, quote: Quote, options: TrainingOptions) -> dict[str, Any]:
    quoted = describe_training(quote)["tokens_per_epoch"]
    return do_sums(options, quoted_tokens(session, quoted))


def _describe(answer: dict[str, Any]) -> str:
    tokens, training = answer["tokens"], answer["training"]
    cost = (
        "unknown: set teacher.price_per_million"
        if answer["cost_usd"] is None
        else (f"US$ {answer['cost_usd']:.4f}")
    )
    lines = [
        f"{answer['dataset']} with {', '.join(answer['teachers']) or 'no teacher'}",
        f"  requests {answer['requests']:,}, of which {answer['in_journal']:,} are in the journal",
        f"  tokens   {tokens['prompt']:,} prompt + {tokens['completion']:,} completion, new",
        f"  cost     {cost}",
        f"  time     about {answer['seconds']:,.0f} s",
        f"  training {training['rows']:,} rows, {training['tokens_per_epoch']:,} tokens an epoch, "
        f"{training['steps_per_epoch']:,} steps of {training['batch_rows']} rows",
    ]
    if answer["arithmetic"] is not None:
        lines += [f"  model    {line}" for line in describe_sums(answer["arithmetic"])]
    lines += [f"  assumed  {line}" for line in answer["assumptions"]]
    return "\n".join(lines)
