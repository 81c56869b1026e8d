"""Models small enough for tests."""

from pathlib import Path

import numpy as np

from flows.language_model import LanguageModel
from flows.model_scorers import Models
from tests.flows.model_scorers.tiny import tiny_model


class Letters:
    """Stands in for an encoder: counts letters, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts) -> np.ndarray:
        self.asked += texts
        vectors = np.zeros((len(texts), 128), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, ord(letter) % 128] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms == 0, 1, norms)


def models_with(folder: Path, *, encoder: Letters | None = None) -> Models:
    """The tiny language model, and `encoder` as the full one."""
    models = Models(folder, encoder=lambda: encoder, vectors="full")  # type: ignore[arg-type,return-value]
    models.language_model = LanguageModel(tiny_model(), folder)  # type: ignore[misc]
    return models
