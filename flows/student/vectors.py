"""Vectors of prompts and answers that mean the same in every call."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from flows.encoders.sentence import SentenceEncoder
from flows.encoders.static import StaticEncoder
from quality.student.model import Vectors
from quality.student.words import prompts


@dataclass(frozen=True)
class VectorMaker:
    """Encodes rows for a student; the distilled table is made at first use.

    Attributes:
        cache: directory of the distilled table.
        model: sentence-transformers model; None: the embedded one.
    """

    cache: Path
    model: str | None = None

    @cached_property
    def encoder(self) -> SentenceEncoder:
        """The encoder that is distilled."""
        return SentenceEncoder(self.model)

    @cached_property
    def static(self) -> StaticEncoder:
        """Its distilled table."""
        return StaticEncoder(self.encoder, self.cache)

    def weigh(self, rows: pl.DataFrame) -> Vectors:
        """Return token weights learned from rows."""
        return self.static.token_weights(prompts(rows) + _answers(rows))

    def encode(self, weights: Vectors, rows: pl.DataFrame) -> tuple[Vectors, Vectors]:
        """Return float32 unit vectors, shape (n, d), of prompts and of answers."""
        return (
            self.static.encode_with(weights, prompts(rows)),
            self.static.encode_with(weights, _answers(rows)),
        )


def _answers(rows: pl.DataFrame) -> list[str]:
    return rows["output"].fill_null("").to_list()
