"""The least there is to do: rows with equal text, after folding case and white space, in polars."""

import polars as pl

from benchmarks.dedup.peers.measure import Task, run


def work(task: Task) -> None:
    folded = pl.col("text").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    rows = pl.read_parquet(task.source).with_columns(folded=folded)
    rows.unique("folded", keep="first", maintain_order=True).drop("folded").write_parquet(task.kept)


if __name__ == "__main__":
    run("polars unique", "polars", work, max_workers=64)
