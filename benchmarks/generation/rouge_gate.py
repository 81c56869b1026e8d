"""Measure the novelty gate against a loop over `rouge_score`, on the Alpaca instructions.

    python -m benchmarks.generation.rouge_gate --labels ../shared/data

Keeps every instruction, asks the gate about changed ones (words dropped and swapped, so that some
match and some do not) and compares CPU time and decisions with brute force. Writes
`benchmarks/generation/RESULTS.md`.
"""

import argparse
import json
import os
import platform
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rouge_score.rouge_scorer import RougeScorer

from quality.rouge import THRESHOLD, Match, RougeGate

RESULTS = Path(__file__).with_name("RESULTS.md")


class Timed(NamedTuple):
    """Answers and the CPU seconds per question."""

    answers: list[Match | None]
    seconds: float


def make_candidates(instructions: list[str], count: int, *, seed: int) -> list[str]:
    """Change instructions by dropping, doubling and swapping words: 0 % to 60 % of them."""
    rng = random.Random(seed)
    candidates = []
    for instruction in rng.sample(instructions, count):
        words = instruction.split()
        for _ in range(round(rng.random() * 0.6 * len(words))):
            place = rng.randrange(len(words))
            words[place] = rng.choice(["", "new", words[rng.randrange(len(words))]])
        candidates.append(" ".join(words))
    return candidates


def ask_gate(gate: RougeGate, candidates: list[str]) -> Timed:
    start = time.process_time()
    answers = [gate.nearest(candidate) for candidate in candidates]
    return Timed(answers, (time.process_time() - start) / len(candidates))


def ask_brute_force(kept: list[str], candidates: list[str]) -> Timed:
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    start = time.process_time()
    answers: list[Match | None] = []
    for candidate in candidates:
        scores = [scorer.score(text, candidate)["rougeL"].fmeasure for text in kept]
        best = max(scores)
        answers.append(Match(str(scores.index(best)), best) if best > THRESHOLD else None)
    return Timed(answers, (time.process_time() - start) / len(candidates))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True, help="folder with alpaca/")
    parser.add_argument("--brute", type=int, default=20, help="candidates asked over all kept")
    parser.add_argument("--pairs", type=int, default=2_000, help="further candidates, over 50 kept")
    arguments = parser.parse_args()
    rows = json.loads((arguments.labels / "alpaca" / "alpaca_data.json").read_text())
    kept = [row["instruction"] for row in rows]

    gate = RougeGate()
    start = time.process_time()
    for place, text in enumerate(kept):
        gate.add(str(place), text)
    added = (time.process_time() - start) / len(kept)

    candidates = make_candidates(kept, 2_000, seed=1)
    fast = ask_gate(gate, candidates)
    slow = ask_brute_force(kept, candidates[: arguments.brute])
    differing = sum(a != b for a, b in zip(fast.answers, slow.answers, strict=False))
    small_differing = compare_small(kept, make_candidates(kept, arguments.pairs, seed=2))

    table = f"""# The novelty gate against a loop over rouge_score

{len(kept):,} Alpaca instructions kept, ROUGE-L F-measure > {THRESHOLD}; candidates are Alpaca
instructions with 0 % to 60 % of the words changed. CPU seconds, {os.cpu_count()} cores
({platform.machine()}), Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}.

| | CPU per candidate | candidates | matches |
|---|---|---|---|
| rouge_score, loop | {slow.seconds:.3f} s | {len(slow.answers)} | {_matches(slow)} |
| RougeGate.nearest | {fast.seconds * 1e3:.2f} ms | {len(fast.answers)} | {_matches(fast)} |
| RougeGate.add | {added * 1e3:.3f} ms | {len(kept)} | |

{slow.seconds / fast.seconds:,.0f} times less CPU. Different answers (id or score): {differing} of
{len(slow.answers)} over all kept, {small_differing} of {arguments.pairs:,} over 50 kept
({arguments.pairs * 50:,} pairs).
"""
    RESULTS.write_text(table)
    print(table)


def compare_small(kept: list[str], candidates: list[str]) -> int:
    """Count answers that differ from brute force, each over 50 kept texts with its own source."""
    rng = random.Random(3)
    differing = 0
    for candidate, source in zip(candidates, _sources(kept, len(candidates)), strict=True):
        some = [*rng.sample(kept, 49), source]
        gate = RougeGate()
        for place, text in enumerate(some):
            gate.add(str(place), text)
        differing += gate.nearest(candidate) != ask_brute_force(some, [candidate]).answers[0]
    return differing


def _sources(kept: list[str], count: int) -> list[str]:
    """Repeat the draw of `make_candidates(..., seed=2)`: what each candidate was made from."""
    return random.Random(2).sample(kept, count)


def _matches(timed: Timed) -> int:
    return sum(answer is not None for answer in timed.answers)


if __name__ == "__main__":
    main()
