"""rensa's RMinHashDeduplicator: it finds candidates by bands and checks the estimate."""

from rensa import RMinHashDeduplicator

from benchmarks.dedup.peers.measure import Task, read, run, shingles, write


def work(task: Task) -> None:
    table, texts = read(task)
    deduplicator = RMinHashDeduplicator(
        threshold=task.threshold,
        num_perm=task.num_perm or 128,
        use_lsh=True,
        num_bands=task.bands,
    )
    keyed = ((str(place), shingles(text, task.ngram)) for place, text in enumerate(texts))
    write(table, deduplicator.add_pairs(keyed), task)


if __name__ == "__main__":
    run("rensa R", "rensa", work)
