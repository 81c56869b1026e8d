"""text-dedup: its MinHash command, called in this process, from Parquet to Parquet.

At equal bands with xxh3 and 32 bits, its fastest setting; else with its own defaults.
"""

import logging
import tempfile
from pathlib import Path

import datasets
from text_dedup.minhash import main

from benchmarks.dedup.peers.measure import Task, run

EQUAL = ["--hash_func", "xxh3", "--hash_bits", "32"]


def work(task: Task) -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        arguments = {
            "--path": "parquet",
            "--data_files": task.source,
            "--split": "train",
            "--cache_dir": Path(folder, "cache"),
            "--output": output,
            "--column": "text",
            "--ngram": task.ngram,
            "--threshold": task.threshold,
            # By default it removes texts of fewer than five words, equal or not.
            "--min_length": 1,
            "--num_proc": task.workers,
        }
        if task.bands:
            arguments |= {"--b": task.bands, "--r": task.rows, "--num_perm": task.num_perm}
        flat = [str(part) for pair in arguments.items() for part in pair]
        main([*flat, *(EQUAL if task.bands else [])], standalone_mode=False)
        datasets.load_from_disk(output).to_parquet(task.kept)


if __name__ == "__main__":
    logging.getLogger("text_dedup").setLevel(logging.WARNING)
    datasets.disable_progress_bars()
    run("text-dedup", "text-dedup", work, max_workers=64)
