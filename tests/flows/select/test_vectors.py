"""Vectors of prompts: exact for few, forecast for many, the same in any order."""

import random
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.select import vectors as module
from flows.select.vectors import encode_prompts, forecast_vectors
from tests.support.rows import make_row, make_rows


@cache
def direction(word: str) -> np.ndarray:
    return np.random.default_rng(list(word.encode())).normal(size=16)


class Bag:
    """Stands in for an encoder: a random direction for each word, summed."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.asked: list[str] = []

    def encode(self, texts) -> np.ndarray:
        self.asked += texts
        made = np.zeros((len(texts), self.width), dtype=np.float32)
        shape = np.random.default_rng(7).normal(size=(16, self.width))
        for row, text in enumerate(texts):
            for word in text.split():
                made[row] += direction(word) @ shape
        norms = np.linalg.norm(made, axis=1, keepdims=True)
        return made / np.where(norms == 0, 1, norms)


def frame(texts: list[str]) -> pl.DataFrame:
    return make_rows([make_row(text, id=f"{n:05d}") for n, text in enumerate(texts)])


def test_few_prompts_are_read_in_full(tmp_path: Path) -> None:
    encoder = Bag(8)
    rows = frame(["owl sea", "", "owl sea", "tree"])
    rows = rows.with_columns(input=pl.Series(["", "", "", "leaf"]))
    found = encode_prompts(rows, encoder, tmp_path)  # type: ignore[arg-type]
    assert encoder.asked == ["", "owl sea", "tree\nleaf"]
    assert (found.encoded, found.is_forecast) == (3, False)
    assert found.vectors.shape == (4, 8)
    assert np.array_equal(found.vectors[0], found.vectors[2])
    assert not found.vectors[1].any()


def texts_of(count: int) -> list[str]:
    rng = random.Random(3)
    words = [f"word{n}" for n in range(60)]
    return sorted({" ".join(rng.choices(words, k=5)) for _ in range(count)})


def test_a_forecast_comes_near_and_asks_for_a_sample_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 200)
    texts = texts_of(600)
    static, full = Bag(24), Bag(12)
    found = forecast_vectors(texts, static, full)
    assert len(full.asked) == 200
    truth = Bag(12).encode(texts)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.einsum("nd,nd->n", found, truth).mean() > 0.95


def test_a_text_without_a_static_vector_has_none() -> None:
    found = forecast_vectors(["", *texts_of(50)], Bag(8), Bag(4))
    assert not found[0].any()
    assert found[1:].any(axis=1).all()


def test_the_sample_does_not_depend_on_the_other_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 50)
    texts = texts_of(400)
    full, fewer = Bag(4), Bag(4)
    forecast_vectors(texts, Bag(8), full)
    gone = set(texts[::2]) - set(full.asked)
    forecast_vectors([text for text in texts if text not in gone], Bag(8), fewer)
    assert fewer.asked == full.asked


def test_many_prompts_are_forecast_and_their_order_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENCODE_ALL_ROWS", 300)
    monkeypatch.setattr(module, "SAMPLE", 200)
    monkeypatch.setattr(module, "StaticEncoder", lambda _, cache: Bag(24 if cache else 0))
    texts = texts_of(320)
    rows = frame([*texts, texts[0], ""])
    full = Bag(12)
    found = encode_prompts(rows, full, tmp_path)  # type: ignore[arg-type]
    assert (found.encoded, found.is_forecast, len(full.asked)) == (200, True, 200)
    assert np.array_equal(found.vectors[0], found.vectors[-2])
    assert not found.vectors[-1].any()
    order = list(range(rows.height))
    random.Random(5).shuffle(order)
    again = encode_prompts(rows[order], Bag(12), tmp_path)  # type: ignore[arg-type]
    assert np.array_equal(again.vectors, found.vectors[order])
