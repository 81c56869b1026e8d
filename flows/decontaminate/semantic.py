"""Rephrased items: what agrees in content is compared by the full encoder."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from flows.encoders import Encoder, SentenceEncoder, embedded_model_path
from flows.progress import Bar, Progress
from flows.session import Session
from quality.decontaminate import BenchmarkItem, find_candidates, rephrased_hits
from quality.dedup.cosines import Vectors

# Texts between two steps of the bar.
_STEP = 256
_MODEL_FILES = ("*.safetensors", "*.bin", "*.json", "*.txt")


class Rephrased(NamedTuple):
    """What was found.

    Attributes:
        hits: HITS, rule benchmark_semantic; a row may have several.
        compared: for each item, whether it has enough content to be recognised by.
        pairs: how many pairs of a text and an item agreed in content.
        encoded: how many texts the encoder read.
    """

    hits: pl.DataFrame
    compared: list[bool]
    pairs: int
    encoded: int


def find_rephrased(
    rows: pl.DataFrame,
    items: Sequence[BenchmarkItem],
    *,
    threshold: float,
    load: Callable[[], Encoder],
    progress: Progress,
) -> Rephrased:
    """Find the rows that ask in other words what an item asks.

    Args:
        rows: ROWS.
        items: the benchmarks.
        threshold: as in `rephrased_hits`.
        load: loads the encoder; called only if there is something to compare.
        progress: shows how many texts have been read.
    """
    candidates = find_candidates(rows, items)
    texts, of_text = np.unique(candidates.pairs["text"].to_numpy(), return_inverse=True)
    numbers, of_item = np.unique(candidates.pairs["item"].to_numpy(), return_inverse=True)
    asked = [candidates.texts[text] for text in texts]
    asked += [items[number].whole for number in numbers]
    cosines = np.empty(0, dtype=np.float32)
    if asked:
        vectors = _encode(load(), asked, progress.start("decontaminating", len(asked)))
        left, right = vectors[: len(texts)][of_text], vectors[len(texts) :][of_item]
        cosines = np.einsum("ij,ij->i", left, right)
    hits = rephrased_hits(candidates, items, cosines, threshold=threshold)
    return Rephrased(hits, candidates.compared, candidates.pairs.height, len(asked))


def load_encoder(session: Session, model: str | None) -> Encoder:
    """Return the session's encoder if it is this model, else another.

    Args:
        session: the run.
        model: directory or Hub name; None for the embedded one.
    """
    dedup = session.recipe.dedup
    semantic = dedup.semantic if dedup is not None else None
    if model == (semantic.model if semantic is not None else None):
        return session.encoder
    return SentenceEncoder(model)


def model_identity(model: str | None) -> str:
    """Return what tells one encoder from another, without loading it: a hash of its files.

    Args:
        model: directory or Hub name, whose name is all that is known of it; None for the embedded.
    """
    folder = embedded_model_path() if model is None else Path(model)
    if not folder.is_dir():
        return str(model)
    digest = hashlib.sha256()
    for path in sorted({path for kind in _MODEL_FILES for path in folder.rglob(kind)}):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()


def _encode(encoder: Encoder, texts: Sequence[str], bar: Bar) -> Vectors:
    parts = []
    for start in range(0, len(texts), _STEP):
        batch = texts[start : start + _STEP]
        parts.append(encoder.encode(batch))
        for _ in batch:
            bar.advance()
    return np.concatenate(parts)
