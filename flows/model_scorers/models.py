"""The models that scorers ask, each loaded when the first one does."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from flows.encoders import Encoder, SentenceEncoder, StaticEncoder
from flows.language_model import LanguageModel, Spelled, load_language_model
from flows.model_scorers.exchanges import Exchange, exchanges_of
from flows.progress import Progress
from quality.dedup.cosines import Vectors
from quality.dedup.shingles import join_columns
from quality.model_scores import Nearest, nearest_neighbours

Floats = npt.NDArray[np.float64]
#: What neighbours are neighbours in: the task, as in semantic deduplication.
_COLUMNS: Final = ("instruction", "input")


class ReadAnswers(NamedTuple):
    """How the language model took the answers of rows; a row of several answers has their sums.

    Attributes:
        nats: negative log-likelihood, float64; NaN for a row that it could not read whole.
        tokens: tokens of the answers, float64; NaN likewise.
    """

    nats: Floats
    tokens: Floats


class Neighbourhood(NamedTuple):
    """The different tasks of some rows, and which of them each row poses.

    Attributes:
        nearest: neighbours of each task, the tasks in alphabetical order.
        text_of_row: int64, the place of each row's task among them.
    """

    nearest: Nearest
    text_of_row: npt.NDArray[np.int64]


class Models:
    """What `ModelScorer`s share in one process."""

    def __init__(
        self,
        folder: Path,
        *,
        encoder: Callable[[], SentenceEncoder] = SentenceEncoder,
        vectors: Literal["static", "full"] = "static",
        language_model: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Name the models; none is loaded yet.

        Args:
            folder: directory for what is computed once, `<home>/models`.
            encoder: loads the sentence encoder.
            vectors: whether neighbours are sought among the static encoder's vectors (a minute
                for 52,002 rows on one core) or the full encoder's (minutes more).
            language_model: as in `load_language_model`.
            progress: where bars are shown.
        """
        self._folder = folder
        self._load_encoder = encoder
        self._vectors = vectors
        self._language_model = language_model
        self._progress = progress
        self._found: tuple[pl.Series, Nearest] | None = None

    @cached_property
    def encoder(self) -> SentenceEncoder:
        """The sentence encoder."""
        return self._load_encoder()

    @cached_property
    def static(self) -> StaticEncoder:
        """The encoder distilled from it."""
        return StaticEncoder(self.encoder, self._folder)

    @cached_property
    def language_model(self) -> LanguageModel:
        """The language model."""
        loaded = load_language_model(self._language_model)
        return LanguageModel(loaded, self._folder, progress=self._progress)

    def read_answers(self, rows: pl.DataFrame) -> ReadAnswers:
        """Read the answers of all rows, each after all that was said before it.

        Args:
            rows: frame with the columns of ROWS.
        """
        spell = self.language_model.chat.spell
        return self._read(rows, lambda exchange: spell(exchange.before, exchange.answer))

    def read_answers_alone(self, rows: pl.DataFrame) -> ReadAnswers:
        """Read the answers of all rows, each with nothing before it.

        Args:
            rows: frame with the columns of ROWS.
        """
        spell = self.language_model.chat.spell_alone
        return self._read(rows, lambda exchange: spell(exchange.answer))

    def _read(self, rows: pl.DataFrame, spell: Callable[[Exchange], Spelled | None]) -> ReadAnswers:
        columns = ("messages", "system", "instruction", "input", "output")
        answers = [exchanges_of(row) for row in rows.select(columns).iter_rows(named=True)]
        owners = [place for place, of_row in enumerate(answers) for _ in of_row]
        texts = [spell(exchange) for of_row in answers for exchange in of_row]
        read = self.language_model.read(texts)
        nats, tokens = np.zeros(rows.height), np.zeros(rows.height)
        for owner, loss in zip(owners, read, strict=True):
            nats[owner] += np.nan if loss is None else loss.nats
            tokens[owner] += np.nan if loss is None else loss.tokens
        nats[tokens == 0] = np.nan
        tokens[tokens == 0] = np.nan
        return ReadAnswers(nats, tokens)

    def neighbourhood(self, rows: pl.DataFrame) -> Neighbourhood:
        """Find the tasks most alike to each row's; what several rows ask alike counts once.

        Args:
            rows: frame with `instruction` and `input`.
        """
        texts = join_columns(rows, _COLUMNS)
        different = texts.unique().sort()
        if self._found is None or not self._found[0].equals(different):
            nearest = nearest_neighbours(self._encode(different.to_list()))
            self._found = (different, nearest)
        places = {text: place for place, text in enumerate(different)}
        text_of_row = np.array([places[text] for text in texts], dtype=np.int64)
        return Neighbourhood(self._found[1], text_of_row)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        encoder: Encoder = self.static if self._vectors == "static" else self.encoder
        return encoder.encode(texts)
