"""datatrove: its four MinHash stages, with a tokenizer that splits at spaces.

It divides work by files, so the input is cut into one for each worker. Not its defaults: the
English tokenizer, spaCy, removes nearly the same rows for four times the CPU; and `fork`, because
`forkserver` runs this module again in every worker. Every stage is checked to have written: where
one comes to nothing, the later ones keep all rows and call it a success.
"""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer

from benchmarks.dedup.peers.measure import Task, run

STAGES = ("signatures", "buckets", "clusters", "kept")


class SpaceTokenizer(WordTokenizer):
    """The least a tokenizer can do."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def work(task: Task) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _cut(task, root / "input")
        config = _config(task)
        paths = {stage: str(root / stage) for stage in STAGES}
        signatures, buckets, clusters, kept = paths.values()
        stages: dict[str, list[PipelineStep]] = {
            signatures: [
                _reader(root),
                MinhashDedupSignature(signatures, config=config, language=SpaceTokenizer()),
            ],
            # -1: whole files in memory, faster than its default of five lines.
            buckets: [MinhashDedupBuckets(signatures, buckets, config=config, lines_to_buffer=-1)],
            clusters: [MinhashDedupCluster(buckets, clusters, config=config, lines_to_buffer=-1)],
            kept: [_reader(root), MinhashDedupFilter(clusters), ParquetWriter(kept)],
        }
        tasks = {buckets: config.num_buckets, clusters: 1}
        for place, steps in stages.items():
            LocalPipelineExecutor(
                steps,
                tasks=tasks.get(place, task.workers),
                workers=task.workers,
                logging_dir=f"{place}-logs",
                start_method="fork",
            ).run()
            if not any(path.stat().st_size for path in Path(place).rglob("*.*")):
                msg = f"expected files from the stage {place}, got none"
                raise RuntimeError(msg)
        parts = [pq.read_table(path) for path in sorted(Path(kept).glob("*.parquet"))]
        pq.write_table(pa.concat_tables(parts).select(["id", "text"]), task.kept)


def _cut(task: Task, folder: Path) -> None:
    folder.mkdir()
    table = pq.read_table(task.source)
    length = -(-table.num_rows // task.workers)
    for part in range(task.workers):
        pq.write_table(table.slice(part * length, length), folder / f"{part}.parquet")


def _reader(root: Path) -> ParquetReader:
    return ParquetReader(str(root / "input"), read_metadata=False)


def _config(task: Task) -> MinhashConfig:
    if not task.bands:
        return MinhashConfig(n_grams=task.ngram)
    # By default it takes all numbers for one and strips accents: other shingles than the others'.
    norm = TextNormConfig(norm_numbers=False, norm_unicode_diacritics=False)
    return MinhashConfig(
        n_grams=task.ngram,
        num_buckets=task.bands,
        hashes_per_bucket=task.rows,
        norm_config=norm,
    )


if __name__ == "__main__":
    run("datatrove", "datatrove", work, max_workers=64)
