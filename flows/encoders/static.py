"""The static encoder: a vector per token, distilled once from a full encoder."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flows.encoders.sentence import SentenceEncoder
from quality.dedup.cosines import Vectors

# Token frequency at which a token's weight is one half, as in SIF (Arora et al. 2017).
_SIF = 1e-3
_STATIC_ROWS = 1_024


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
