"""datasketch in the plain loop: a MinHash per row, asked and then inserted if new.

`update_batch`, not the shingle by shingle `update` of its documentation, which takes twice
as long.
"""

from datasketch import MinHash, MinHashLSH

from benchmarks.dedup.peers.measure import Task, read, run, shingles, write


def work(task: Task) -> None:
    table, texts = read(task)
    num_perm = task.num_perm or 128
    index = make_index(task, num_perm)
    is_kept = []
    for place, text in enumerate(texts):
        minhash = MinHash(num_perm=num_perm)
        minhash.update_batch([shingle.encode() for shingle in shingles(text, task.ngram)])
        is_new = not index.query(minhash)
        if is_new:
            index.insert(place, minhash)
        is_kept.append(is_new)
    write(table, is_kept, task)


def make_index(task: Task, num_perm: int) -> MinHashLSH:
    """Make the index; it chooses the bands by the threshold where the task does not."""
    params = (task.bands, task.rows) if task.bands else None
    return MinHashLSH(threshold=task.threshold, num_perm=num_perm, params=params)


if __name__ == "__main__":
    run("datasketch naive", "datasketch", work)
