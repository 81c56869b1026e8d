"""`feingold plan`: what a run would ask and cost; asks nobody."""

import argparse
from typing import Any

from flows.estimate import estimate
from flows.recipes import load_recipe


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the estimate of a recipe."""
    loaded = load_recipe(arguments.recipe, arguments.set)
    answer = estimate(loaded, home=arguments.home)
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
        f"{answer['dataset']} with {answer['teacher']['model']}",
        f"  requests {answer['requests']:,}, of which {answer['in_journal']:,} like them are in "
        "the journal of this home",
        f"  tokens   {tokens['prompt']:,} prompt + {tokens['completion']:,} completion",
        f"  cost     {cost}",
        f"  time     about {answer['seconds']:,.0f} s",
        f"  training {training['rows']:,} rows, {training['tokens_per_epoch']:,} tokens an epoch, "
        f"{training['steps_per_epoch']:,} steps of {training['batch_rows']} rows",
    ]
    lines += [f"  assumed  {line}" for line in answer["assumptions"]]
    return "\n".join(lines)
