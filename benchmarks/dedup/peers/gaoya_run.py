"""gaoya: its own tokenizer in Rust, one query and one insertion for each row.

That took half the CPU of shingling in Python, and its parallel bulk calls took more of both CPU and
wall time on two cores. Texts shorter than one shingle are given as one token: its tokenizer makes
nothing of them, and then holds them all for equal (555 rows of Alpaca).
"""

from gaoya.minhash import MinHashStringIndex

from benchmarks.dedup.peers.measure import Task, read, run, write


def work(task: Task) -> None:
    table, texts = read(task)
    bands = {"num_bands": task.bands, "band_size": task.rows} if task.bands else {}
    index = MinHashStringIndex(
        jaccard_threshold=task.threshold,
        lowercase=True,
        ngram_range=(task.ngram, task.ngram),
        id_container="smallvec",  # the fastest of its three
        **bands,
    ).minhash_index
    is_kept = []
    for place, text in enumerate(texts):
        words = text.split()
        if len(words) < task.ngram:
            tokens = [" ".join(words).lower()]
            is_new = not index.query_tokens(tokens)
            if is_new:
                index.insert_tokens(place, tokens)
        else:
            is_new = not index.query(text)
            if is_new:
                index.insert_document(place, text)
        is_kept.append(is_new)
    write(table, is_kept, task)


if __name__ == "__main__":
    run("gaoya", "gaoya", work)
