"""rensa's CMinHashDeduplicator: no bands to set, it indexes whole signatures its own way."""

from rensa import CMinHashDeduplicator

from benchmarks.dedup.peers.measure import Task, read, run, shingles, write


def work(task: Task) -> None:
    table, texts = read(task)
    deduplicator = CMinHashDeduplicator(threshold=task.threshold, num_perm=task.num_perm or 128)
    keyed = ((str(place), shingles(text, task.ngram)) for place, text in enumerate(texts))
    write(table, deduplicator.add_pairs(keyed), task)


if __name__ == "__main__":
    run("rensa C", "rensa", work)
