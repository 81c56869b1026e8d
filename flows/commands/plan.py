"""`feingold plan`: what a run would ask and cost; asks nobody."""

import argparse
from typing import Any

from flows.estimate import describe_training, quote_recipe
from flows.recipes import load_recipe


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the quote of a recipe."""
    loaded = load_recipe(arguments.recipe, arguments.set)
    quote, session = quote_recipe(loaded, home=str(arguments.home))
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
        "assumptions": list(quote.assumptions),
    }
    if not arguments.json:
        print(_describe(answer))
    return answer


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
    lines += [f"  assumed  {line}" for line in answer["assumptions"]]
    return "\n".join(lines)
