"""Measure the student on labels that nobody on this project wrote.

    python -m benchmarks.quality.student --labels ../shared/data

Prints Markdown: agreement on prompts that a student had not seen (five-fold cross-fitting), the
same with few labels, beside plain length; and how fast it scores.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.quality.figures import table
from benchmarks.quality.labels import read_labels as read_sets
from flows.labels import Labelled, read_labels
from flows.student.stage import score_rows
from flows.student.teach import teach_labels
from flows.student.vectors import VectorMaker
from quality.scorers import add_scores
from quality.student.model import HeldOut

_FEW = (300, 1_000)


def main() -> None:
    """Learn from each label set and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    folder = parser.parse_args().labels
    with tempfile.TemporaryDirectory() as home:
        vectors = VectorMaker(Path(home))
        print(report(folder, Path(home), vectors))


def report(folder: Path, home: Path, vectors: VectorMaker) -> str:
    """Return the section of RESULTS.md."""
    sets = {
        "discarded rows of Alpaca": _discarded(folder, home),
        "expert revisions": read_labels([str(folder / "expert_revisions/train.jsonl")], home)[0],
    }
    lines = []
    for name, labelled in sets.items():
        for size in (*_FEW, None):
            started = time.process_time()
            stored = teach_labels([_few(labelled, size)], vectors)
            seconds = time.process_time() - started
            lines.append([name, *_cells(stored.student.held_out), f"{seconds:.0f}"])
    head = ["labels", "rows", "measure", "student", "plain length", "CPU s"]
    speed = _speed(folder, vectors, sets["discarded rows of Alpaca"])
    return (
        "## Student\n\nAgreement on prompts that were not learned from, five-fold cross-fitting, "
        "95 % bootstrap over prompts. Learned from a random part of the labels and from all of "
        f"them.\n\n{table(head, lines)}\n\n{speed}"
    )


def _cells(held_out: HeldOut) -> list[str]:
    return [
        f"{held_out.rows:,}",
        held_out.measure,
        f"{held_out.value:.3f} [{held_out.low:.3f}, {held_out.high:.3f}]",
        f"{held_out.length:.3f} [{held_out.length_low:.3f}, {held_out.length_high:.3f}]",
    ]


def _discarded(folder: Path, home: Path) -> Labelled:
    """Write the editors' verdicts beside their rows, as a user would have them."""
    rows = json.loads((folder / "alpaca/alpaca_data.json").read_text())
    marks = pl.read_ndjson(folder / "alpaca/discarded_labels.jsonl")
    path = home / "discarded.jsonl"
    lines = [
        json.dumps({**rows[index], "label": "bad" if discarded else "good"})
        for index, discarded in marks.select("raw_index", "discarded").iter_rows()
    ]
    path.write_text("\n".join(lines))
    return read_labels([str(path)], home)[0]


def _few(labelled: Labelled, size: int | None) -> Labelled:
    """Draw rows, or whole pairs, at random."""
    if size is None:
        return labelled
    generator = np.random.default_rng(0)
    if labelled.kind == "pairs":
        groups = np.unique(labelled.group)
        chosen = np.isin(labelled.group, generator.choice(groups, size // 2, replace=False))
    else:
        chosen = np.zeros(len(labelled.target), np.bool_)
        chosen[generator.choice(len(chosen), size, replace=False)] = True
    return Labelled(
        labelled.rows.filter(pl.Series(chosen)),
        labelled.target[chosen],
        labelled.group[chosen],
        labelled.kind,
        labelled.name,
        labelled.fingerprint,
    )


def _speed(folder: Path, vectors: VectorMaker, labelled: Labelled) -> str:
    alpaca = add_scores(read_sets(folder).alpaca)
    stored = teach_labels([labelled], vectors)
    started = time.process_time()
    score_rows(alpaca, stored, vectors)
    seconds = time.process_time() - started
    return (
        f"Scoring {alpaca.height:,} rows whose signals are known: {seconds:.1f} CPU s, "
        f"{alpaca.height / seconds:,.0f} rows per CPU second."
    )


if __name__ == "__main__":
    main()
