"""German: prompts translated twice, independently, are known duplicates.

    python -m benchmarks.dedup.german --labels ../shared/data

Instruction and input. The file names 4,000 pairs, but from line 570 on (counting from 0) its first
translation belongs with the second one 50 lines below: "Kompiliere das folgende Programm in Java"
stands on line 574 and "Kompilieren Sie das folgende Programm in Java" on line 624. `read` puts the
3,950 pairs together that are there. A merged pair counts as right where it is one of them; what
else merges may still be a real duplicate, so `--show N` prints some to read.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from benchmarks.dedup import multilingual
from benchmarks.dedup.results import describe_machine, machine, write_section
from flows.encoders import Encoder, SentenceEncoder, semantic_candidates
from quality.dedup.lexical import THRESHOLD as LEXICAL
from quality.dedup.lexical import lexical_pairs
from quality.dedup.semantic import semantic_pairs
from quality.dedup.shingles import fold, join_columns

THRESHOLDS = (0.75, 0.8, 0.85, 0.9, 0.95)
COLUMNS = ("instruction", "input")
# From this line on, the first translation is SLIP lines above the second.
SLIPS_AT, SLIP = 570, 50
LONELY = 10_000  # added to the numbers of rows without a partner


class Found(NamedTuple):
    """What merged: known pairs among `n_known`, and all the others."""

    name: str
    right: int
    wrong: pl.DataFrame
    n_known: int

    def line(self) -> str:
        """Make a line of the table."""
        merged = self.right + self.wrong.height
        precision = f"{self.right / merged:.1%}" if merged else "-"
        return (
            f"| {self.name} | {self.right:,} | {self.right / self.n_known:.1%} | "
            f"{self.wrong.height:,} | {precision} |"
        )


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    parser.add_argument("--show", type=int, default=0, help="other merged pairs to print")
    args = parser.parse_args()
    path = args.labels / "german" / "en_de_de.jsonl"
    rows = read(path)
    encoders: dict[str, Encoder] = {"all-MiniLM-L6-v2": SentenceEncoder()}
    if multilingual.is_there():
        encoders[multilingual.NAME] = multilingual.MultilingualEncoder()
    results = [
        count("exact", exact_rows(rows), rows),
        count(f"lexical {LEXICAL}", lexical_pairs(rows), rows),
    ]
    across = []
    for name, encoder in encoders.items():
        for found in semantic(name, encoder, rows):
            results.append(found)
            if args.show:
                show(found, rows, args.show)
        across += cross_lingual(name, encoder, path)
    text = report(results, across)
    write_section("german", text)
    print(text)


def semantic(name: str, encoder: Encoder, rows: pl.DataFrame) -> Iterator[Found]:
    """Run the semantic method at every threshold."""
    encoded = semantic_candidates(rows, encoder, threshold=min(THRESHOLDS), guards=False)
    for guards in (True, False):
        for threshold in THRESHOLDS:
            pairs = semantic_pairs(
                rows,
                encoded.vectors,
                encoded.instruction_vectors,
                threshold=threshold,
                guards=guards,
            )
            yield count(f"{name} {threshold}{'' if guards else ', no guards'}", pairs, rows)


def cross_lingual(name: str, encoder: Encoder, path: Path) -> list[str]:
    """Compare each English prompt with all second translations, by cosine alone."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    english, german = (
        encoder.encode(
            join_columns(pl.DataFrame([line[side] for line in lines]), COLUMNS).to_list()
        )
        for side in ("en", "de_b")
    )
    cosines = english @ german.T
    table = []
    for threshold in THRESHOLDS:
        right = int((cosines.diagonal() >= threshold).sum())
        merged = int((cosines >= threshold).sum())
        precision = f"{right / merged:.1%}" if merged else "-"
        table.append(
            f"| {name} {threshold} | {right:,} | {right / len(lines):.1%} | "
            f"{merged - right:,} | {precision} |"
        )
    return table


def read(path: Path) -> pl.DataFrame:
    """Return both German sides as rows; the ids of a known pair differ in their last letter."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = []
    for number, line in enumerate(lines):
        # The second translations of lines 570 to 619 have no first one.
        second = number if number < SLIPS_AT else number - SLIP
        second += LONELY if SLIPS_AT - SLIP <= second < SLIPS_AT <= number else 0
        for side, name, place in (("a", "de_a", number), ("b", "de_b", second)):
            rows.append(
                {"id": f"{place:05}{side}", **{column: line[name][column] for column in COLUMNS}}
            )
    return pl.DataFrame(rows)


def exact_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Pair the rows that are equal after folding."""
    folded = rows.select("id", text=join_columns(rows, COLUMNS).map_elements(fold, pl.String))
    pairs = folded.join(folded, on="text").filter(pl.col("id") < pl.col("id_right"))
    return pairs.select(id_a="id", id_b="id_right")


def count(name: str, pairs: pl.DataFrame, rows: pl.DataFrame) -> Found:
    """Split merged pairs into the known ones and the others.

    Some prompts are in the file twice, so two rows also count as known where their English
    originals, or their texts, meet: `_families` joins those.
    """
    family = _families(rows)
    sides = pairs.select("id_a", "id_b")
    known = pl.col("id_a").str.head(5) == pl.col("id_b").str.head(5)
    same = pl.col("id_a").replace_strict(family) == pl.col("id_b").replace_strict(family)
    right = sides.filter(known).height
    wrong = pairs.filter(~known & ~same)
    return Found(name, right, wrong, rows.height // 2 - SLIP)


def _families(rows: pl.DataFrame) -> dict[str, str]:
    """Name each row after the smallest row that known pairs and equal texts lead to."""
    texts = join_columns(rows, COLUMNS).map_elements(fold, pl.String).to_list()
    ids = rows["id"].to_list()
    root = {name: name for name in ids}

    def top(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    first: dict[str, str] = {}
    for name, text in zip(ids, texts, strict=True):
        for other in (first.setdefault(text, name), f"{name[:5]}a"):
            if other in root:  # some rows have no partner
                low, high = sorted((top(name), top(other)))
                root[high] = low
    return {name: top(name) for name in ids}


def show(found: Found, rows: pl.DataFrame, number: int) -> None:
    """Print some of the merged pairs that are not known."""
    texts = dict(zip(rows["id"].to_list(), join_columns(rows, COLUMNS).to_list(), strict=True))
    print(f"\n== {found.name}: {found.wrong.height} others")
    pairs = found.wrong.rows()
    for left, right, similarity in random.Random(0).sample(pairs, min(number, len(pairs))):
        print(f"{similarity:.3f} {texts[left][:150]!r}\n      {texts[right][:150]!r}")


def report(results: list[Found], across: list[str]) -> str:
    """Write the section."""
    missing = (
        ""
        if multilingual.is_there()
        else f" {multilingual.NAME} was not measured: see benchmarks/dedup/multilingual.py."
    )
    columns = "known pairs merged | share | other pairs merged | known among merged |"
    return "\n".join(
        (
            "## German: known duplicates",
            "",
            "`python -m benchmarks.dedup.german --labels ../shared/data`; prompts in two German "
            "translations, instruction and input; 3,950 known pairs in 8,000 rows. Each method "
            "runs alone on all rows. all-MiniLM-L6-v2 is the embedded encoder and an English one. "
            f"{describe_machine(machine())}",
            "",
            f"The file's own labels are off by {SLIP} lines from line {SLIPS_AT} on and were put "
            f"right.{missing}",
            "",
            f"| method | {columns}",
            "|---|---|---|---|---|",
            *(result.line() for result in results),
            "",
            "English to German, 4,000 known pairs, by cosine alone:",
            "",
            f"| encoder | {columns}",
            "|---|---|---|---|---|",
            *across,
        )
    )


if __name__ == "__main__":
    main()
