"""Reads GGUF, the file that llama.cpp keeps a model in: settings, vocabulary and weights."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from flows.language_model.gguf_header import (
    VERSION,
    Bytes,
    Setting,
    TensorPlace,
    parse_header,
)
from schemas.errors import InputError

Weights: TypeAlias = npt.NDArray[np.float32]
_BLOCK = 32


class GgufFile(NamedTuple):
    """What a GGUF file holds.

    Attributes:
        settings: metadata by name, e.g. `llama.block_count`, `tokenizer.ggml.tokens`.
        tensors: weights by name, e.g. `blk.0.attn_q.weight`; one row per output of the layer.
    """

    settings: dict[str, Setting]
    tensors: dict[str, Weights]


class _Layout(NamedTuple):
    """How a type of weights lies in the file: `width` bytes hold `values` of them."""

    width: int
    values: int
    decode: Callable[[Bytes], Weights]


def read_gguf(path: Path) -> GgufFile:
    """Read a GGUF file of version 3, every weight turned into float32.

    Args:
        path: the file; little-endian, weights of type F32, F16, Q4_0, Q4_1 or Q8_0.

    Returns:
        Its settings and weights; memory: four bytes per weight.

    Raises:
        InputError: if it is no such file, or is cut short.

    Source:
        https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml's reference
        dequantisation. Differs: only the types that the embedded model and its like use.
    """
    try:
        return _read(path)
    except (OSError, ValueError, struct.error) as error:
        msg = (
            f"expected a GGUF file (version {VERSION}, weights of type F32, F16, Q4_0, Q4_1 or "
            f"Q8_0), got {error} in {path}; give another file or a transformers directory"
        )
        raise InputError(msg) from error


def _read(path: Path) -> GgufFile:
    content = np.memmap(path, np.uint8, "r")
    header = parse_header(content)
    tensors = {
        place.name: _load(content[header.start + place.offset :], place) for place in header.tensors
    }
    return GgufFile(header.settings, tensors)


def _load(content: Bytes, place: TensorPlace) -> Weights:
    layout = _LAYOUTS.get(place.kind)
    if layout is None:
        msg = f"weights of type {place.kind} ({place.name})"
        raise ValueError(msg)
    n_blocks = -(-int(np.prod(place.shape, dtype=np.int64)) // layout.values)
    raw = content[: n_blocks * layout.width]
    if len(raw) < n_blocks * layout.width:
        msg = f"{place.name} cut short"
        raise ValueError(msg)
    return layout.decode(raw.reshape(n_blocks, layout.width)).reshape(place.shape)


def _halves(raw: Bytes) -> Weights:
    """Read float16 values, one or more a row."""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _nibbles(raw: Bytes) -> Weights:
    """Read 16 bytes as 32 numbers of four bits: all low halves, then all high ones."""
    return np.concatenate((raw & 15, raw >> 4), axis=1).astype(np.float32)


def _decode_q4_0(raw: Bytes) -> Weights:
    return _halves(raw[:, :2]) * (_nibbles(raw[:, 2:]) - 8)


def _decode_q4_1(raw: Bytes) -> Weights:
    return _halves(raw[:, :2]) * _nibbles(raw[:, 4:]) + _halves(raw[:, 2:4])


def _decode_q8_0(raw: Bytes) -> Weights:
    return _halves(raw[:, :2]) * raw[:, 2:].view(np.int8).astype(np.float32)


_LAYOUTS: Final[Mapping[int, _Layout]] = {
    0: _Layout(4, 1, lambda raw: np.ascontiguousarray(raw).view(np.float32).copy()),
    1: _Layout(2, 1, _halves),
    2: _Layout(18, _BLOCK, _decode_q4_0),
    3: _Layout(20, _BLOCK, _decode_q4_1),
    8: _Layout(34, _BLOCK, _decode_q8_0),
}
