"""Runs every benchmark: `make bench LABELS=path` (labelled data is not shipped).

Each prints a Markdown table; what was measured is stored in the RESULTS.md beside it.
"""

import argparse
import subprocess
import sys
from pathlib import Path

# Module, and whether it writes its RESULTS.md itself.
BENCHMARKS = {
    "benchmarks.generation.rouge_gate": True,
    "benchmarks.quality.labels": False,
    "benchmarks.quality.student": False,
    "benchmarks.quality.thresholds": False,
    "benchmarks.quality.selection": False,
    "benchmarks.quality.contamination": False,
    "benchmarks.quality.model_scorers": False,
    "benchmarks.quality.evidence": True,
    "benchmarks.conversations.rounds": False,
    "benchmarks.dedup.compare": True,  # makes an environment for every peer; an hour or more
    "benchmarks.dedup.scale": True,
    "benchmarks.dedup.semantic": True,
    "benchmarks.dedup.german": True,
    "benchmarks.dedup.sts": True,
}
ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run all and store their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    labels = parser.parse_args().labels
    if not (labels / "alpaca").is_dir():
        print(
            f"expected labelled data, got no {labels}/alpaca: make bench LABELS=/path/to/data",
            file=sys.stderr,
        )
        return 2
    begun = set[Path]()
    for module, writes_itself in BENCHMARKS.items():
        print(f"\n== {module}", flush=True)
        command = [sys.executable, "-m", module, "--labels", str(labels)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        print(done.stdout)
        if not writes_itself:
            target = ROOT / Path(*module.split(".")[:-1]) / "RESULTS.md"
            with target.open("a" if target in begun else "w", encoding="utf-8") as file:
                file.write(done.stdout.strip() + "\n\n")
            begun.add(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
