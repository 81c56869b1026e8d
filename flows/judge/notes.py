"""What a judging run says about itself: for manifest, card and report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from flows.judge.asking import Spent
from flows.judge.prompts import VERSION
from flows.judge.rating import Rated, Said
from quality.intervals import mean
from quality.judging.canaries import Traps, describe_traps, measure_traps
from quality.judging.consistency import Agreement, agreement
from quality.judging.length import groups_by_length, length_correlation
from quality.judging.ratings import Score, Verdict
from quality.judging.verdicts import Abstention, Rating

#: The values of one verdict.
Values = tuple[float, ...]


def describe_rating(rated: Rated) -> dict[str, Any]:
    """Return the figures of a judging run as plain JSON values.

    Args:
        rated: the run.

    Returns:
        Counts, means, abstentions by judge and reason, self-consistency, agreement between
        judges, traps, length, self-preference and cost; the same for the same verdicts, whichever
        run paid for them. Every figure with an interval is `{value, low, high, n}`.
    """
    scores = rated.scores
    known = [score.score for score in scores.values() if score.score is not None]
    traps = _traps(rated, scores, rated.trap_scores)
    return {
        "prompt": f"rating {VERSION}",
        "dimensions": list(rated.dimensions),
        "asked": len(scores),
        "rated": len(known),
        "abstained": len(scores) - len(known),
        "mean": mean_of(known),
        "by_dimension": {
            name: mean_of([score.dimensions[name] for score in scores.values()])
            for name in rated.dimensions
        },
        "judges": [_judge(rated, said) for said in rated.judges],
        "between_judges": between_judges(
            {said.name: _values(said.rows, rated.dimensions) for said in rated.judges}
        ),
        "canaries": show_traps(traps),
        "length": _length(rated.rows, scores),
        "spent": add_up([said.spent for said in rated.judges]),
    }


def mean_of(values: Sequence[float | None]) -> dict[str, Any]:
    """Return the mean of what is known, with its interval."""
    known = pl.Series([value for value in values if value is not None], dtype=pl.Float64)
    return mean(known.to_numpy())._asdict()


def count_abstentions(verdicts: Sequence[object]) -> dict[str, int]:
    """Count why there is no verdict, the most frequent first."""
    why = Counter(verdict.why for verdict in verdicts if isinstance(verdict, Abstention))
    return dict(sorted(why.items(), key=lambda item: (-item[1], item[0])))


def show_agreement(found: Agreement) -> dict[str, Any]:
    """Return an agreement as plain values."""
    return {
        "exact": found.exact._asdict(),
        "kappa": found.kappa._asdict(),
        "mean_difference": found.mean_difference,
    }


def show_traps(traps: Sequence[Traps]) -> dict[str, Any]:
    """Return how a judge did on the traps, in figures and in words."""
    return {
        "says": describe_traps(traps),
        "kinds": [
            {**trap._asdict(), "caught": trap.caught._asdict(), "drop": trap.drop._asdict()}
            for trap in traps
        ],
    }


def add_up(spent: Sequence[Spent]) -> dict[str, Any]:
    """Add up what verdicts cost; the price is null where one is not known."""
    prices = [one.usd for one in spent if one.usd is not None]
    return {
        "requests": sum(one.requests for one in spent),
        "prompt_tokens": sum(one.prompt_tokens for one in spent),
        "completion_tokens": sum(one.completion_tokens for one in spent),
        "usd": round(sum(prices), 6) if len(prices) == len(spent) else None,
    }


def between_judges(values: Mapping[str, Mapping[str, Values]]) -> list[dict[str, Any]]:
    """Compare every two judges on what both of them judged.

    Args:
        values: by judge, then by what was judged.
    """
    names = list(values)
    return [
        {"judges": [first, second], **show_agreement(compare_values(values[first], values[second]))}
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    ]


def compare_values(first: Mapping[str, Values], second: Mapping[str, Values]) -> Agreement:
    """Compare two lists of verdicts on what is in both, by name."""
    both = sorted(set(first) & set(second))
    return agreement([first[name] for name in both], [second[name] for name in both])


def _judge(rated: Rated, said: Said) -> dict[str, Any]:
    alone = rated.combined([said.rows])
    traps = _traps(rated, alone, rated.combined([said.traps]))
    verdicts = [*said.rows.values(), *said.repeats.values(), *said.traps.values()]
    repeats = compare_values(
        _values(said.rows, rated.dimensions), _values(said.repeats, rated.dimensions)
    )
    return {
        "name": said.name,
        "model": said.model,
        "base_url": said.base_url,
        "is_embedded": said.is_embedded,
        "weights": None if said.weights is None else said.weights.model_dump(),
        "verdicts": len(verdicts),
        "abstentions": count_abstentions(verdicts),
        "consistency": {"rows": len(said.repeats), **show_agreement(repeats)},
        "canaries": describe_traps(traps),
        "self_preference": _self_preference(rated.rows, alone, said),
        "spent": add_up([said.spent]),
    }


def _values(verdicts: Mapping[str, Verdict], dimensions: Sequence[str]) -> dict[str, Values]:
    """The scores of every row that has a verdict."""
    return {
        name: tuple(float(verdict.scores[dimension]) for dimension in dimensions)
        for name, verdict in verdicts.items()
        if isinstance(verdict, Rating)
    }


def _traps(rated: Rated, honest: Mapping[str, Score], trapped: Mapping[str, Score]) -> list[Traps]:
    drops: dict[str, float | None] = {}
    for name, origin in rated.traps.select("id", "origin").iter_rows():
        true, trap = honest[origin].score, trapped[name].score
        drops[name] = None if true is None or trap is None else true - trap
    return measure_traps(rated.traps, drops)


def _length(rows: pl.DataFrame, scores: Mapping[str, Score]) -> dict[str, Any]:
    sizes = rows["output"].fill_null("").str.len_chars()
    known = [
        (score, size, source or "")
        for name, size, source in zip(rows["id"], sizes, rows["source"], strict=True)
        if (score := scores[name].score) is not None
    ]
    values, lengths, sources = zip(*known, strict=True) if known else ((), (), ())
    return {
        "spearman": length_correlation(values, lengths)._asdict(),
        "groups": [
            {
                **group._asdict(),
                "raw": group.raw._asdict(),
                "controlled": group.controlled._asdict(),
            }
            for group in groups_by_length(values, lengths, sources)
        ],
    }


def _self_preference(
    rows: pl.DataFrame, scores: Mapping[str, Score], said: Said
) -> dict[str, Any] | None:
    """Say how many of the answers are the judge's own; null where none is."""
    own = set(rows.filter(pl.col("teacher") == said.model)["id"])
    if not own:
        return None
    return {
        "own_rows": len(own),
        "of": rows.height,
        "own_mean": mean_of([scores[name].score for name in sorted(own)]),
        "others_mean": mean_of([scores[name].score for name in sorted(set(scores) - own)]),
        "note": "this judge rates its own answers, which judges favour: take another one, or a "
        "panel",
    }
