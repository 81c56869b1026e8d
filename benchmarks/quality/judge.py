"""Measure a judge on labels that nobody on this project wrote.

    python -m benchmarks.quality.judge --labels ../shared/data --rows 200 \
        --base-url http://127.0.0.1:8000/v1 --model some-model

Without `--base-url` it is the embedded teacher, a model of 135M parameters. Prints Markdown: every
figure beside longer-wins and random, with a 95 % interval. With `--home`, replies are kept there
and never paid for twice.
"""

import argparse
import datetime as dt
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.quality.figures import measure_auc, table
from benchmarks.quality.labels import Labels, read_labels
from flows.judge.comparing import Compared, Pair, compare
from flows.judge.notes import describe_rating
from flows.judge.pair_notes import describe_comparison
from flows.judge.rating import Rated, rate_rows
from flows.judge.show import interval
from flows.session import RunSpec, Session
from quality.intervals import Interval, bootstrap, mean
from quality.judging.length import controlled_win_rate
from quality.judging.sampling import draw
from schemas.recipe import JudgeOptions, Recipe

SEED = 0
NAME = "judge-benchmark"


def main() -> None:
    """Judge samples of the labels and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    parser.add_argument("--base-url", help="endpoint; the embedded teacher by default")
    parser.add_argument("--model", help="as the endpoint knows it")
    parser.add_argument("--rows", type=int, default=200, help="pairs, and as many rows")
    parser.add_argument("--canaries", type=int, default=6, help="traps of each kind")
    parser.add_argument("--max-tokens", type=int, default=400, help="of one verdict")
    parser.add_argument("--home", type=Path, help="where replies are kept; default: nowhere")
    arguments = parser.parse_args()
    labels = read_labels(arguments.labels)
    with tempfile.TemporaryDirectory() as nowhere:
        session = open_session(arguments, arguments.home or Path(nowhere))
        try:
            print(measure(session, labels, arguments.rows))
        finally:
            session.close()


def open_session(arguments: argparse.Namespace, home: Path) -> Session:
    """A run whose judge is the endpoint that was named, else the embedded teacher."""
    # A busy machine may take minutes for one verdict of the embedded model.
    teacher: dict[str, Any] = {"timeout_seconds": 600}
    if arguments.base_url:
        teacher |= {"base_url": arguments.base_url, "model": arguments.model}
    judge = {"teacher": teacher, "repeat_share": 0.1}
    judge |= {"canaries": arguments.canaries, "max_tokens": arguments.max_tokens}
    recipe = Recipe.model_validate({"name": NAME, "seed": SEED, "judge": judge})
    return Session(RunSpec(NAME, str(home), "", ".", recipe.model_dump_json(), ""))


def measure(session: Session, labels: Labels, number: int) -> str:
    """Judge `number` pairs and as many rows, and write the report."""
    options = session.recipe.judge or JudgeOptions()
    started = time.monotonic()
    compared = compare(session, sample_pairs(labels, number), options)
    middle = time.monotonic()
    rows, is_bad = sample_rows(labels, number)
    rated = rate_rows(session, rows, options)
    seconds = middle - started, time.monotonic() - middle
    notes = describe_comparison(compared), describe_rating(rated)
    parts = [
        describe_run(*notes, options),
        report_pairs(compared, notes[0]),
        report_rows(rated, is_bad, notes[1]),
        report_trust(*notes),
        report_cost(notes, (compared.paid, rated.paid), seconds),
    ]
    return "\n\n".join(parts)


def sample_pairs(labels: Labels, number: int) -> list[Pair]:
    """Draw pairs of a revised (a) and a raw answer (b)."""
    columns = labels.revised.select("id", "instruction", "input", a="output").with_columns(
        b=labels.raw["output"]
    )
    every = [Pair(*row) for row in columns.iter_rows()]
    return sorted(every, key=lambda pair: draw(pair.id, seed=SEED, purpose="pairs"))[:number]


def sample_rows(labels: Labels, number: int) -> tuple[pl.DataFrame, dict[str, bool]]:
    """Draw as many discarded as kept rows; AUC does not depend on how many there are of each."""
    order = sorted(labels.labelled["id"], key=lambda name: draw(name, seed=SEED, purpose="rows"))
    is_bad = dict(zip(labels.labelled["id"], labels.discarded.tolist(), strict=True))
    half = number // 2
    chosen = [name for name in order if is_bad[name]][:half]
    chosen += [name for name in order if not is_bad[name]][: number - half]
    rows = labels.labelled.filter(pl.col("id").is_in(chosen))
    return rows, {name: is_bad[name] for name in chosen}


def describe_run(first: Mapping[str, Any], second: Mapping[str, Any], options: JudgeOptions) -> str:
    """Who judged, when, where and with what."""
    names = ", ".join(f"`{judge['name']}`" for judge in first["judges"])
    date = dt.datetime.now(dt.UTC).date().isoformat()
    return (
        f"## Judge: {names}\n\n{date}, {os.cpu_count()} cores. Prompts: "
        f"{first['prompt']}, {second['prompt']}; {options.max_tokens} tokens a verdict "
        f"at most, temperature 0. {first['pairs']} pairs, {second['asked']} rows. "
        "Intervals: 95 %, Wilson for shares, bootstrap over items for the rest. Nothing was fitted "
        "to these labels."
    )


def report_pairs(compared: Compared, notes: Mapping[str, Any]) -> str:
    """Is the expert revision preferred to the raw answer?"""
    won = {name: {"a": 1.0, "b": 0.0}.get(who or "", 0.5) for name, who in compared.winners.items()}
    order = sorted(won)
    gaps = {pair.id: len(pair.a) - len(pair.b) for pair in compared.pairs}
    longer = [0.5 + 0.5 * np.sign(gaps[name]) for name in order]
    coin = [float(draw(name, seed=SEED, purpose="coin") < 0.5) for name in order]
    contenders = {
        "**judge, both orders**": [won[name] for name in order],
        "longer wins": longer,
        "a coin": coin,
    }
    lines = [
        [
            name,
            interval(mean(np.array(values))),
            interval(mean(np.array([value for value in values if value != 0.5]))),
            values.count(0.5),
            interval(controlled_win_rate(values, [gaps[name] for name in order])),
        ]
        for name, values in contenders.items()
    ]
    said = notes["judges"][0]
    return (
        f"### Pairwise accuracy, {len(order)} expert revisions\n\nRight = the revised answer. Each "
        "pair is judged in both orders; a judge that changes sides, or gives no verdict, counts "
        f"half ({notes['ties']} ties, {notes['abstained']} without a verdict).\n\n"
        + table(
            ["", "accuracy", "of decided pairs", "undecided", "accuracy at equal length"], lines
        )
        + f"\n\nFor the answer shown first: {interval(said['first_position'])} of the verdicts "
        f"(fair: 0.50). The same in both orders: {interval(said['same_in_both_orders'])}. For the "
        f"longer answer: {interval(notes['longer_wins'])}."
    )


def report_rows(rated: Rated, is_bad: Mapping[str, bool], notes: Mapping[str, Any]) -> str:
    """Are rows that editors threw away rated lower?"""
    scores = {name: score.score for name, score in rated.scores.items()}
    lengths = dict(zip(rated.rows["id"], rated.rows["output"].str.len_chars(), strict=True))
    known = sorted(name for name, score in scores.items() if score is not None)
    contenders: dict[str, Mapping[str, Any]] = {
        "**judge**": scores,
        "short output": lengths,
        "random": {name: draw(name, seed=SEED, purpose="coin") for name in scores},
    }
    lines = [
        [name, interval(auc(values, is_bad, known)), interval(auc(values, is_bad, sorted(scores)))]
        for name, values in contenders.items()
    ]
    return (
        f"### AUC of low ratings for discarded rows, {len(scores)} rows, half of them discarded\n\n"
        + table(["", f"on the {len(known)} rows with a rating", "on all"], lines)
        + f"\n\nMean rating {interval(notes['mean'])}; Spearman with length "
        f"{interval(notes['length']['spearman'])}."
    )


def report_trust(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Traps, self-consistency and abstentions."""
    runs = {"comparisons": first, "ratings": second}
    traps = [
        [
            f"{kind['kind']}, {name}",
            *(interval(kind[figure]) for figure in ("caught", "drop")),
            *("-" if kind["gained"] is None else f"{kind['gained']:.2f}", kind["caught"]["n"]),
            kind["abstained"],
        ]
        for name, notes in runs.items()
        for kind in notes["canaries"]["kinds"]
    ]
    said = [
        [
            f"{judge['name']}, {name}",
            interval(judge["consistency"]["exact"]),
            interval(judge["consistency"]["kappa"]),
            judge["consistency"]["exact"]["n"],
            f"{sum(judge['abstentions'].values())} of {judge['verdicts']}",
            ", ".join(f"{why} {count}" for why, count in judge["abstentions"].items()) or "-",
        ]
        for name, notes in runs.items()
        for judge in notes["judges"]
    ]
    return (
        "### Traps\n\nCaught = the honest answer is rated higher or preferred, ties half; chance "
        "is 0.50. Drop = points (1 to 5) or wins (-1 to 1) that the trap is behind. "
        "Gained = it was rated higher than the honest answer.\n\n"
        + table(["trap", "caught", "drop", "gained", "n", "no verdict"], traps)
        + "\n\n"
        + "\n".join(f"- {name}: {notes['canaries']['says']}." for name, notes in runs.items())
        + "\n\n### The same again, and abstentions\n\n"
        + table(["", "equal", "weighted kappa", "n", "abstained", "why"], said)
    )


def report_cost(
    notes: Sequence[Mapping[str, Any]], paid: Sequence[Mapping[str, Any]], seconds: Sequence[float]
) -> str:
    """Tokens, money and time."""
    lines = []
    for found, sent, wall in zip(notes, paid, seconds, strict=True):
        spent = found["spent"]
        money = "unknown" if spent["usd"] is None else f"{spent['usd']:.4f}"
        tokens = spent["prompt_tokens"], spent["completion_tokens"]
        asked = spent["requests"], sent["requests"]["sent"]
        lines.append([found["prompt"], *asked, *tokens, money, f"{wall:.0f}"])
    head = ["", "verdicts", "sent now", "prompt tokens", "completion tokens", "US$", "seconds"]
    return f"### Cost\n\n{table(head, lines)}"


def auc(values: Mapping[str, Any], is_bad: Mapping[str, bool], names: Sequence[str]) -> Interval:
    """How well a low value tells the discarded rows from the others; null if one is missing."""
    if any(values[name] is None for name in names):
        return Interval(None, None, None, 0)
    low = np.array([-float(values[name]) for name in names])
    bad = np.array([is_bad[name] for name in names], np.bool_)

    def statistic(at: np.ndarray) -> float:
        both = 0 < bad[at].sum() < len(at)
        return measure_auc(low[at], bad[at]) if both else float("nan")

    return bootstrap(statistic, len(names))


if __name__ == "__main__":
    main()
