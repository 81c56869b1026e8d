"""Labelled files, and vectors that need no model."""

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.encoders import static
from flows.encoders.sentence import SentenceEncoder
from quality.student.model import Vectors

_TOPICS = ("river", "engine", "poem", "tax", "garden", "planet", "recipe", "law")


def labelled(n: int, *, offset: int = 0) -> list[dict[str, str]]:
    """Alpaca records; the good answers explain, the bad ones do not."""
    records = []
    for number in range(offset, offset + n):
        topic = _TOPICS[number % len(_TOPICS)]
        good = f"A {topic} matters, because it shapes how people live; take number {number}."
        bad = f"{topic} {topic} lol {number}"
        records.append(
            {
                "instruction": f"Tell me about {topic} number {number}.",
                "input": "",
                "output": good if number % 2 else bad,
                "label": "good" if number % 2 else "bad",
            }
        )
    return records


def write_lines(path: Path, records: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture(autouse=True)
def _small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distilling takes a minute; any fixed table will do here."""

    def fake(encoder: SentenceEncoder) -> Vectors:
        size = len(encoder.model.tokenizer)
        seed = int(hashlib.sha256(str(size).encode()).hexdigest()[:8], 16)
        return np.random.default_rng(seed).standard_normal((size, 16)).astype(np.float32)

    monkeypatch.setattr(static, "_distil", fake)
    monkeypatch.setattr(static, "_VIEW_DIMENSIONS", 4)


def published(path: Path) -> pl.DataFrame:
    """The rows of a version."""
    return pl.read_parquet(path / "data" / "default" / "*.parquet")
