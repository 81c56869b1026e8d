"""The two-step semantic search against full encoding, on the 52,002 Alpaca prompts.

    python -m benchmarks.dedup.semantic --labels ../shared/data

One thread, CPU seconds. The truth is what the method drops when every prompt is encoded; those
vectors are made once (about ten minutes) and kept. What full encoding costs is measured on every
twentieth batch, unless `--full` asks for all of it.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.dedup.data import CACHE
from benchmarks.dedup.results import describe_machine, machine, write_section
from flows.encoders import EncodedRows, SentenceEncoder, StaticEncoder, semantic_candidates
from quality.dedup.cosines import Vectors, candidate_pairs
from quality.dedup.forecast import to_unit
from quality.dedup.guards import guard_keys
from quality.dedup.semantic import COLUMNS, semantic_pairs
from quality.dedup.shingles import join_columns

EVERY = 20  # batches of which one is timed
ST_BATCH = 32  # the default of sentence-transformers
OLD_MARGIN = 0.2  # of the static cosine, before there was a forecast
LOOSEST = 0.6  # static cosine of the pairs that the baselines know


class Timed(NamedTuple):
    """A sample of batches: CPU seconds, and the same for all rows by their share of the tokens."""

    seconds: float
    rows: int
    extrapolated: float


class Counted:
    """An encoder that counts what it is asked and how long it takes; may know the answers."""

    def __init__(self, encoder: SentenceEncoder, known: dict[str, Vectors] | None = None) -> None:
        self._encoder, self._known = encoder, known or {}
        self.seconds, self.asked = 0.0, 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode; texts that are known are looked up."""
        start = time.process_time()
        self.asked += len(texts)
        new = [text for text in texts if text not in self._known]
        fresh = dict(zip(new, self._encoder.encode(new), strict=True))
        width = self._encoder.model.get_embedding_dimension()
        vectors = np.zeros((len(texts), width), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._known[text] if text in self._known else fresh[text]
        self.seconds += time.process_time() - start
        return vectors


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data"))
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.85, 0.9])
    parser.add_argument("--full", action="store_true", help="time all batches of full encoding")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    rows = load_alpaca(args.labels)
    encoder = SentenceEncoder()
    start = time.process_time()
    static = StaticEncoder(encoder, CACHE)
    print(f"static encoder ready after {time.process_time() - start:.1f} CPU s", flush=True)
    texts = join_columns(rows, COLUMNS).to_list()
    own, default = time_full(encoder, texts, every=1 if args.full else EVERY)
    print(f"full: own batches {own}, sentence-transformers {default}", flush=True)
    known = dict(zip(texts, full_vectors(encoder, texts), strict=True))
    lengths = count_tokens(encoder, texts)
    lines = []
    for threshold in args.thresholds:
        lines += measure(rows, encoder, static, known, threshold, (own, default), lengths)
    write_section("semantic", report(lines, own, default))


def load_alpaca(labels: Path) -> pl.DataFrame:
    """Read the Alpaca rows, with an id."""
    rows = pl.read_json(labels / "alpaca" / "alpaca_data.json")
    return rows.with_columns(id=pl.Series([f"{row:06}" for row in range(rows.height)]))


def count_tokens(encoder: SentenceEncoder, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Count the tokens that the encoder reads of each text."""
    ids = encoder.model.tokenizer(
        list(texts), truncation=True, max_length=encoder.model.max_seq_length
    )["input_ids"]
    return np.array([len(of_text) for of_text in ids])


def full_vectors(encoder: SentenceEncoder, texts: Sequence[str]) -> Vectors:
    """Encode everything once; later calls read it, and check it against a few fresh vectors."""
    path = CACHE / f"alpaca-full-{encoder.fingerprint[:16]}.npy"
    if not path.is_file():
        np.save(path, encoder.encode(texts))
    vectors: Vectors = np.load(path)
    fresh = encoder.encode(texts[::2_000])
    if np.einsum("nd,nd->n", fresh, vectors[::2_000]).min() < 1 - 1e-5:
        raise SystemExit(f"expected the vectors of this encoder in {path}, got others; delete it")
    return vectors


def time_full(encoder: SentenceEncoder, texts: Sequence[str], *, every: int) -> tuple[Timed, Timed]:
    """Time our batches of one token count, and those of sentence-transformers by itself."""
    lengths = count_tokens(encoder, texts)
    ours = list(encoder._batches(sorted(set(texts))))
    by_length = sorted(texts, key=len, reverse=True)
    theirs = [by_length[at : at + ST_BATCH] for at in range(0, len(texts), ST_BATCH)]
    tokens = dict(zip(texts, lengths.tolist(), strict=True))
    encoder.encode(texts[:64])

    def default(batch: list[str]) -> None:
        encoder.model.encode(batch, batch_size=ST_BATCH, normalize_embeddings=True)

    return (
        _time(ours, encoder.encode, tokens, every),
        _time(theirs, default, tokens, every),
    )


def _time(
    batches: list[list[str]],
    encode: Callable[[list[str]], object],
    tokens: dict[str, int],
    every: int,
) -> Timed:
    chosen = batches[every // 2 :: every]
    start = time.process_time()
    for batch in chosen:
        encode(batch)
    seconds = time.process_time() - start
    read, total = (
        sum(tokens[text] for batch in some for text in batch) for some in (chosen, batches)
    )
    return Timed(seconds, sum(map(len, chosen)), seconds * total / read)


def measure(
    rows: pl.DataFrame,
    encoder: SentenceEncoder,
    static: StaticEncoder,
    known: dict[str, Vectors],
    threshold: float,
    full: tuple[Timed, Timed],
    lengths: np.ndarray[Any, Any],
) -> list[dict[str, Any]]:
    """Run the two steps and the baselines at one threshold."""
    everything = semantic_candidates(rows, Counted(encoder, known), threshold=threshold)
    truth = pairs_of(rows, everything, threshold)
    texts = join_columns(rows, COLUMNS)
    keys = guard_keys(texts).to_numpy()
    unguarded = candidate_pairs(everything.vectors, threshold, keys=keys).pairs
    counted = Counted(encoder)
    start = time.process_time()
    found = semantic_candidates(rows, counted, static, threshold=threshold)
    pairs = pairs_of(rows, found, threshold)
    seconds = time.process_time() - start
    read = found.vectors.any(axis=1)
    number = {name: row for row, name in enumerate(rows["id"].to_list())}
    sides = np.array([[number[a], number[b]] for a, b, _ in truth.iter_rows()])
    cost = full[0].extrapolated / lengths.sum()
    n_read = int(read.sum())

    def line(name: str, of: Any, **more: Any) -> dict[str, Any]:
        return {
            "threshold": threshold,
            "method": name,
            "rows": int(of.sum()),
            "tokens": float(lengths[of].sum() / lengths.sum()),
            "recall": float(of[sides].all(axis=1).mean()),
            "unguarded": float(of[unguarded].all(axis=1).mean()),
            "truth": truth.height,
            **more,
        }

    two_steps = line("two steps", read, cpu=seconds, encode=counted.seconds)
    two_steps["expected"] = found.expected_recall
    two_steps["recall"] = pairs.join(truth, on=["id_a", "id_b"]).height / truth.height
    main_view = to_unit(
        static.encode(texts.to_list())[:, : encoder.model.get_embedding_dimension()]
    )
    near = candidate_pairs(main_view, min(LOOSEST, threshold - OLD_MARGIN), keys=keys)
    old = np.zeros(len(lengths), dtype=np.bool_)
    old[near.pairs[near.similarities >= threshold - OLD_MARGIN]] = True
    lines = [
        two_steps,
        line("static cosine, margin 0.2 (before)", old, cpu=cost * lengths[old].sum()),
    ]
    ranked = near.pairs[np.argsort(-near.similarities, kind="stable")].ravel()
    _, first = np.unique(ranked, return_index=True)
    same = np.zeros(len(lengths), dtype=np.bool_)
    same[ranked[np.sort(first)][:n_read]] = True
    lines.append(line("best static cosines, as many rows", same, cpu=cost * lengths[same].sum()))
    chance = np.zeros(len(lengths), dtype=np.bool_)
    chance[np.random.default_rng(0).choice(len(lengths), n_read, replace=False)] = True
    lines.append(line("random rows, as many", chance, cpu=cost * lengths[chance].sum()))
    for at in lines:
        print(at, flush=True)
    return lines


def pairs_of(rows: pl.DataFrame, found: EncodedRows, threshold: float) -> pl.DataFrame:
    """Return the pairs that the method drops by."""
    return semantic_pairs(rows, found.vectors, found.instruction_vectors, threshold=threshold)


def report(lines: list[dict[str, Any]], own: Timed, default: Timed) -> str:
    """Write the section."""
    table = [
        "| cosine | texts encoded by | rows | tokens | CPU s | of it encoding | of full encoding, "
        "by sentence-transformers | by our batches | pairs found | pairs of equal key found | "
        "estimated |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for at in lines:
        shares = [f"1/{timed.extrapolated / at['cpu']:.1f}" for timed in (default, own)]
        encode = f"{at['encode']:.0f}" if "encode" in at else "-"
        estimate = f"{at['expected']:.1%}" if "expected" in at else "-"
        rounded = f"{at['cpu']:.0f}" + ("" if "encode" in at else "*")
        table.append(
            f"| {at['threshold']} | {at['method']} | {at['rows']:,} | {at['tokens']:.1%} | "
            f"{rounded} | {encode} | {' | '.join(shares)} | {at['recall']:.1%} | "
            f"{at['unguarded']:.1%} | {estimate} |"
        )
    truths = ", ".join(
        f"{at['truth']:,} at {at['threshold']}" for at in lines if at["method"] == "two steps"
    )
    return "\n".join(
        (
            "## Semantic: two steps against full encoding",
            "",
            "`python -m benchmarks.dedup.semantic --labels ../shared/data`; 52,002 Alpaca prompts, "
            f"all-MiniLM-L6-v2, one thread. {describe_machine(machine())}",
            "",
            *table,
            "",
            f"Full encoding: {default.extrapolated:.0f} CPU s by `SentenceTransformer.encode` as "
            f"it comes (batches of 32), {own.extrapolated:.0f} in our batches of one token count; "
            f"extrapolated by tokens from {default.rows:,} and {own.rows:,} rows in whole batches "
            "spread over all lengths. *Encoding alone, by its tokens; the search is not in it.",
            "",
            f"Pairs found: of those that full encoding drops by ({truths}): the cosine, the same "
            "of the first column, no guard. Pairs of equal key: by cosine and guard key alone. "
            "CPU seconds of the two steps hold everything but loading and the distilled table, "
            "which is made once for an encoder (50 CPU s).",
        )
    )


if __name__ == "__main__":
    main()
