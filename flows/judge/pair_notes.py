"""What a judging run over pairs says about itself."""

from collections.abc import Mapping
from typing import Any

from flows.judge.comparing import Compared, Opinion
from flows.judge.notes import (
    Values,
    add_up,
    between_judges,
    compare_values,
    count_abstentions,
    show_agreement,
    show_traps,
)
from flows.judge.prompts import VERSION
from quality.judging.canaries import describe_traps, measure_traps
from quality.judging.length import controlled_win_rate, win_rate
from quality.judging.pairs import (
    BothOrders,
    drops_of,
    known_values,
    order_consistency,
    position_bias,
)


def describe_comparison(compared: Compared) -> dict[str, Any]:
    """Return the figures of a judging run over pairs as plain JSON values.

    Args:
        compared: the run.

    Returns:
        Who won how often, raw and at equal length; position bias, self-consistency, abstentions,
        traps and cost. Ties count half; pairs without a verdict count for nothing.
    """
    winners = compared.winners
    known = known_values(winners)
    gaps = {pair.id: len(pair.a) - len(pair.b) for pair in compared.pairs}
    order = sorted(known)
    outcomes = [known[name] for name in order]
    return {
        "prompt": f"comparison {VERSION}",
        "pairs": len(winners),
        "a": outcomes.count(1.0),
        "b": outcomes.count(0.0),
        "ties": outcomes.count(0.5),
        "abstained": len(winners) - len(known),
        "win_rate": win_rate(outcomes)._asdict(),
        "length_controlled_win_rate": controlled_win_rate(
            outcomes, [gaps[name] for name in order]
        )._asdict(),
        "longer_wins": _longer_wins(known, gaps),
        "judges": [_judge(compared, opinion) for opinion in compared.judges],
        "between_judges": between_judges(
            {opinion.name: _values(compared, opinion.pairs) for opinion in compared.judges}
        ),
        "canaries": show_traps(measure_traps(compared.traps, compared.drops)),
        "spent": add_up([opinion.spent for opinion in compared.judges]),
    }


def _longer_wins(known: Mapping[str, float], gaps: Mapping[str, int]) -> dict[str, Any]:
    """How often the longer answer won; 0.5 says that length made no difference."""
    values = [
        known[name] if gaps[name] > 0 else 1 - known[name] for name in sorted(known) if gaps[name]
    ]
    return win_rate(values)._asdict()


def _judge(compared: Compared, opinion: Opinion) -> dict[str, Any]:
    drops = drops_of(compared.combined([opinion.traps]))
    said = [*opinion.pairs.values(), *opinion.repeats.values(), *opinion.traps.values()]
    verdicts = [verdict for pair in said for verdict in (pair.forward, pair.backward)]
    pairs = list(opinion.pairs.values())
    return {
        "name": opinion.name,
        "model": opinion.model,
        "verdicts": len(verdicts),
        "abstentions": count_abstentions(verdicts),
        "first_position": position_bias(pairs)._asdict(),
        "same_in_both_orders": order_consistency(pairs)._asdict(),
        "consistency": {
            "pairs": len(opinion.repeats),
            **show_agreement(
                compare_values(_values(compared, opinion.pairs), _values(compared, opinion.repeats))
            ),
        },
        "canaries": describe_traps(measure_traps(compared.traps, drops)),
        "spent": add_up([opinion.spent]),
    }


def _values(compared: Compared, pairs: Mapping[str, BothOrders]) -> dict[str, Values]:
    """Who won each pair, by one judge alone."""
    winners = compared.combined([pairs])
    return {name: (value,) for name, value in known_values(winners).items()}
