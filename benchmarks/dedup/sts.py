"""What a cosine means: against the graded similarity of the STS benchmark, English and German.

    python -m benchmarks.dedup.sts --labels ../shared/data

Dev splits (the test split is not here); a pair of score 4 or more ("mostly equivalent") is one to
merge. Beside it the plain Jaccard of the words.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.dedup.results import describe_machine, machine, write_section
from flows.encoders import SentenceEncoder
from quality.dedup.shingles import words

THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
EQUIVALENT = 4.0

Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Language(NamedTuple):
    """The pairs of one language: grades 0..5, cosines and Jaccard similarities."""

    name: str
    scores: Numbers
    cosines: Numbers
    jaccards: Numbers


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    labels = parser.parse_args().labels
    encoder = SentenceEncoder()
    files = {"English": "stsb_en.jsonl", "German": "stsb_de.jsonl"}
    languages = [read(name, labels / "sts" / file, encoder) for name, file in files.items()]
    text = report(languages)
    write_section("sts", text)
    print(text)


def read(name: str, path: Path, encoder: SentenceEncoder) -> Language:
    """Read the dev pairs of one language and compare them."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line for line in lines if line["split"] == "dev"]
    vectors = encoder.encode([pair[side] for side in "ab" for pair in pairs])
    left, right = vectors[: len(pairs)], vectors[len(pairs) :]
    return Language(
        name,
        np.array([pair["score"] for pair in pairs], dtype=np.float64),
        np.einsum("nd,nd->n", left, right).astype(np.float64),
        np.array([jaccard(pair["a"], pair["b"]) for pair in pairs]),
    )


def jaccard(left: str, right: str) -> float:
    """Compare the words of two texts as sets."""
    first, second = set(words(left)), set(words(right))
    return len(first & second) / max(1, len(first | second))


def spearman(left: Numbers, right: Numbers) -> float:
    """Correlate ranks; ties share their mean rank."""
    return float(np.corrcoef(ranks(left), ranks(right))[0, 1])


def ranks(values: Numbers) -> Numbers:
    """Rank values from 0; ties share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Numbers = (last - counts + last - 1) / 2
    return mean[place]


def report(languages: list[Language]) -> str:
    """Write the section."""
    table = [
        "| threshold | "
        + " | ".join(
            f"{language.name}, {measure}"
            for language in languages
            for measure in ("cosine", "word Jaccard")
        )
        + " |",
        "|---" * (1 + 2 * len(languages)) + "|",
    ]
    for threshold in THRESHOLDS:
        cells = []
        for language in languages:
            same = language.scores >= EQUIVALENT
            for values in (language.cosines, language.jaccards):
                merged = values >= threshold
                precision = f"{same[merged].mean():.1%}" if merged.any() else "-"
                cells.append(f"{precision} / {merged[same].mean():.1%}")
        table.append(f"| {threshold} | {' | '.join(cells)} |")
    ranked = [
        f"{language.name}: cosine {spearman(language.cosines, language.scores):.3f}, Jaccard "
        f"{spearman(language.jaccards, language.scores):.3f} ({len(language.scores):,} pairs, "
        f"{(language.scores >= EQUIVALENT).mean():.1%} of them of grade 4 or more)"
        for language in languages
    ]
    return "\n".join(
        (
            "## Semantic: what a cosine means",
            "",
            "`python -m benchmarks.dedup.sts --labels ../shared/data`; STS benchmark, dev split, "
            f"all-MiniLM-L6-v2, no guards. {describe_machine(machine())}",
            "",
            "Precision / recall of grade 4 or more at a threshold:",
            "",
            *table,
            "",
            f"Spearman with the grade: {'; '.join(ranked)}.",
        )
    )


if __name__ == "__main__":
    main()
