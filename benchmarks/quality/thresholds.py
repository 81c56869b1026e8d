"""Does `filters: auto` keep its promise on rows that it has not seen?

    python -m benchmarks.quality.thresholds --labels ../shared/data

Prints Markdown. Labelled rows are halved again and again, by prompt; filters are proposed from one
half and counted on the other. Beside them: the default filters, a length threshold and a random
score tuned in the same way, and a threshold of `quality` chosen without any caution.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flows.ingest import read_source
from flows.labels import read_labels
from quality.filters import DEFAULT_FILTERS
from quality.scorers import add_scores
from quality.tuning.auto import propose_filters
from quality.tuning.rules import candidate_entries, find_dropped

_SPLITS = 20
_PRECISIONS = (0.3, 0.5, 0.7, 0.9)
_RATED = ("quality", "judge")
Flags: TypeAlias = NDArray[np.bool_]
Filters: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Labels:
    """One labelled set."""

    title: str
    rows: pl.DataFrame
    bad: Flags


@dataclass(frozen=True, slots=True)
class Choice:
    """What a method chose on one half.

    Attributes:
        filters: entries of a recipe.
        expected: precision that it expects of each of them; empty where it does not say.
    """

    filters: Filters
    expected: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a choice did on the other half.

    Attributes:
        dropped: rows dropped.
        found: bad ones among them.
        recall: of the bad rows.
        false_positive_rate: of the good rows.
        kept: filters whose own precision there was at least the wanted one, of those that dropped.
        expected: mean precision that was expected of its filters; NaN where nothing was.
    """

    dropped: int
    found: int
    recall: float
    false_positive_rate: float
    kept: tuple[int, int]
    expected: float


Method: TypeAlias = Callable[[pl.DataFrame, Flags, float], Choice]


def main() -> None:
    """Read the labels and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    parser.add_argument("--splits", type=int, default=_SPLITS)
    arguments = parser.parse_args()
    date = dt.datetime.now(dt.UTC).date().isoformat()
    print(
        f"# Thresholds from labels\n\n{date}, {os.cpu_count()} cores, Polars {pl.__version__}. "
        "Written by `python -m benchmarks.quality.thresholds --labels ../shared/data`, "
        f"{arguments.splits} half-splits by prompt. In brackets: the 2.5 % and 97.5 % quantiles "
        "over the splits that dropped a row. *kept*: of all filters that a method switched on in "
        "all splits, those whose own precision on the other half was at least the wanted one. "
        "*expected*: the precision that the method itself expects of its filters. Both halves are "
        "of one finite set, so a lucky half leaves an unlucky one: what is seen here is a little "
        "worse than what fresh rows would show."
    )
    for labels in (read_discarded(arguments.labels), read_revisions(arguments.labels)):
        print(f"\n{report(labels, arguments.splits)}")


def read_discarded(folder: Path) -> Labels:
    """Read the rows that editors of Alpaca threw away or kept."""
    every = read_source(folder / "alpaca/alpaca_data.json", name="alpaca").rows
    lines = (folder / "alpaca/discarded_labels.jsonl").read_text().splitlines()
    marks = {mark["raw_index"]: mark["discarded"] for mark in map(json.loads, lines)}
    rows = every.filter(pl.col("row").is_in(list(marks)))
    bad = np.array([marks[row] for row in rows["row"]], dtype=np.bool_)
    return _once("Discarded rows of Alpaca", rows, bad)


def read_revisions(folder: Path) -> Labels:
    """Read raw and revised answers, as if each had been called bad or good by itself."""
    (found,) = read_labels([str(folder / "expert_revisions/train.jsonl")], folder)
    differs = found.target != 0.5
    rows = found.rows.filter(pl.Series(differs))
    return _once("Raw answers among raw and revised ones", rows, found.target[differs] == 0)


def _once(title: str, rows: pl.DataFrame, bad: Flags) -> Labels:
    """Score each content once."""
    frame = rows.with_columns(bad=pl.Series(bad)).unique("id", keep="first", maintain_order=True)
    scored = add_scores(frame.drop("bad"))
    draws = [_draw(row_id, "random") for row_id in scored["id"]]
    return Labels(title, scored.with_columns(random=pl.Series(draws)), frame["bad"].to_numpy())


def _draw(text: str, purpose: str) -> float:
    digest = hashlib.sha256(f"{purpose}:{text}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def propose(rows: pl.DataFrame, bad: Flags, precision: float) -> Choice:
    """`filters: auto`, what it tuned."""
    found = propose_filters(rows, 1.0 - bad, min_precision=precision)
    tuned = [one for one in found.evidence if not one.is_damage]
    return Choice([one.filter for one in tuned], tuple(one.expected or 0.0 for one in tuned))


def propose_all(rows: pl.DataFrame, bad: Flags, precision: float) -> Choice:
    """`filters: auto` with its rules against damage."""
    return Choice(propose_filters(rows, 1.0 - bad, min_precision=precision).filters)


def tune_one(*base: Mapping[str, Any]) -> Method:
    """Return a method that tunes only the rules of `base`, in the same way."""

    def choose(rows: pl.DataFrame, bad: Flags, precision: float) -> Choice:
        plain = rows.drop(*_RATED, strict=False)
        found = propose_filters(plain, 1.0 - bad, min_precision=precision, base=base)
        return Choice(found.filters, tuple(one.expected or 0.0 for one in found.evidence))

    return choose


def take_naively(rows: pl.DataFrame, bad: Flags, precision: float) -> Choice:
    """The loosest threshold of `quality` with the precision on the very rows it is chosen on."""
    candidates = candidate_entries(rows, {"rule": "min_quality", "column": "quality"})
    hits = find_dropped(rows, candidates)
    shares = [(bad[one].mean(), place) for place, one in enumerate(hits) if one.any()]
    reaching = [(share, place) for share, place in shares if share >= precision]
    if not reaching:
        return Choice([])
    share, place = reaching[-1]
    return Choice([candidates[place]], (float(share),))


_AUTO, _WHOLE, _NAIVE = (
    "**auto**, what it tuned",
    "auto, with rules against damage",
    "`quality`, chosen naively",
)
_METHODS: dict[str, Method] = {
    _AUTO: propose,
    _WHOLE: propose_all,
    _NAIVE: take_naively,
    "length in words, tuned so": tune_one(
        {"rule": "min_words", "column": "output"}, {"rule": "max_words", "column": "output"}
    ),
    "random score, tuned so": tune_one({"rule": "min_score", "column": "random"}),
}


def report(labels: Labels, splits: int) -> str:
    """Compare all methods at all precisions on one labelled set."""
    sides = [_halve(labels.rows, split) for split in range(splits)]
    outcomes = {
        (precision, name): [_try(method, labels, side, precision) for side in sides]
        for precision in _PRECISIONS
        for name, method in _METHODS.items()
    }
    fixed = [_try(_take_defaults, labels, side, 0.0) for side in sides]
    head = ["wanted", "method", "splits with drops", "rows dropped", "precision", "expected",
            "kept", "recall", "false positives"]  # fmt: skip
    lines = [_line(f"{key[0]:g}", key[1], found) for key, found in outcomes.items()]
    lines.append(_line("–", "default filters", fixed))
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * 9, *lines])
    verdicts = [
        _judge(precision, outcomes[precision, _AUTO], outcomes[precision, _NAIVE])
        for precision in _PRECISIONS
    ]
    return (
        f"## {labels.title}\n\n{labels.rows.height:,} rows, {labels.bad.sum():,} of them bad "
        f"({labels.bad.mean():.1%}, what a random pick has).\n\n{table}\n\n"
        + "\n".join(verdicts)
        + f"\n- Default filters, which promise nothing: precision {_pooled(fixed):.2f}, recall "
        f"{np.mean([one.recall for one in fixed]):.0%}. The rules against damage, which stay on "
        "unproven, cost what lies between the first two lines of each precision."
    )


def _take_defaults(*_: object) -> Choice:
    """The filters of a recipe that names none."""
    return Choice(DEFAULT_FILTERS)


def _judge(precision: float, auto: Sequence[Outcome], naive: Sequence[Outcome]) -> str:
    """Say whether the promise held, and what it cost."""
    silent = sum(not one.dropped for one in auto)
    kept, switched = (sum(one.kept[side] for one in auto) for side in (0, 1))
    naive_kept, naive_on = (sum(one.kept[side] for one in naive) for side in (0, 1))
    return (
        f"- At {precision:g}: {kept} of {switched} filters kept the promise, {silent} of "
        f"{len(auto)} splits proved nothing; recall {np.mean([one.recall for one in auto]):.0%}. "
        f"Chosen naively: {naive_kept} of {naive_on} kept it; recall "
        f"{np.mean([one.recall for one in naive]):.0%}."
    )


def _pooled(outcomes: Sequence[Outcome]) -> float:
    dropped = sum(one.dropped for one in outcomes)
    return sum(one.found for one in outcomes) / dropped if dropped else float("nan")


def _halve(rows: pl.DataFrame, split: int) -> Flags:
    """Mark one half of the rows; all answers to one prompt are on one side."""
    prompts = rows.select(pl.concat_str("instruction", "input", separator="\n")).to_series()
    return np.array([_draw(prompt, f"split {split}") < 0.5 for prompt in prompts])


def _try(method: Method, labels: Labels, side: Flags, precision: float) -> Outcome:
    choice = method(labels.rows.filter(pl.Series(side)), labels.bad[side], precision)
    rows, bad = labels.rows.filter(pl.Series(~side)), labels.bad[~side]
    hits = find_dropped(rows, choice.filters)
    gone = hits.any(axis=0)
    each = [(int((one & bad).sum()), int(one.sum())) for one in hits if one.any()]
    found = int((gone & bad).sum())
    return Outcome(
        dropped=int(gone.sum()),
        found=found,
        recall=found / bad.sum(),
        false_positive_rate=(gone & ~bad).sum() / (~bad).sum(),
        kept=(sum(k >= precision * n for k, n in each), len(each)),
        expected=float(np.mean(choice.expected)) if choice.expected else float("nan"),
    )


def _line(wanted: str, name: str, outcomes: Sequence[Outcome]) -> list[str]:
    acting = [one for one in outcomes if one.dropped]
    kept = sum(one.kept[0] for one in outcomes)
    switched = sum(one.kept[1] for one in outcomes)
    expected = [one.expected for one in acting if not np.isnan(one.expected)]
    return [
        wanted,
        name,
        f"{len(acting)} / {len(outcomes)}",
        f"{np.mean([one.dropped for one in outcomes]):.0f}",
        _spread([one.found / one.dropped for one in acting]),
        f"{np.mean(expected):.2f}" if expected else "–",
        f"{kept} / {switched}" if wanted != "–" and name != _WHOLE else "–",
        _spread([one.recall for one in outcomes]),
        _spread([one.false_positive_rate for one in outcomes], digits=3),
    ]


def _spread(values: Sequence[float], *, digits: int = 2) -> str:
    if not values:
        return "–"
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{np.mean(values):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    main()
