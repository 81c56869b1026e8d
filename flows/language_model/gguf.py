"""Reads GGUF, the file that llama.cpp keeps a model in: settings, vocabulary and weights."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

Weights: TypeAlias = npt.NDArray[np.float32]
#: One setting: a number, a text, or a list of either.
Setting: TypeAlias = int | float | bool | str | list[int | float | bool | str]
_Bytes: TypeAlias = npt.NDArray[np.uint8]

_MAGIC = b"GGUF"
_VERSION = 3
_DEFAULT_ALIGNMENT = 32
_BLOCK = 32
_STRING, _ARRAY = 8, 9
#: Number of a setting's type to the form that `struct` reads it in.
_NUMBERS: Final[Mapping[int, str]] = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip


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
    decode: Callable[[_Bytes], Weights]


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
            f"expected a GGUF file (version {_VERSION}, weights of type F32, F16, Q4_0, Q4_1 or "
            f"Q8_0), got {error} in {path}; give another file or a transformers directory"
        )
        raise InputError(msg) from error


def read_settings(path: Path) -> dict[str, Setting]:
    """Read what stands before the weights of a GGUF file of version 3, whatever their type.

    Args:
        path: the file; little-endian.

    Raises:
        InputError: if it is no such file, or is cut short.
    """
    try:
        return _read_head(_Cursor(np.memmap(path, np.uint8, "r")))[1]
    except (OSError, ValueError, struct.error) as error:
        msg = f"expected a GGUF file (version {_VERSION}), got {error} in {path}; give another file"
        raise InputError(msg) from error


def _read_head(cursor: "_Cursor") -> tuple[int, dict[str, Setting]]:
    """Return the number of tensors and the settings."""
    magic = cursor.take(4)
    version = cursor.number("I")
    if (magic, version) != (_MAGIC, _VERSION):
        msg = f"{magic!r}, version {version}"
        raise ValueError(msg)
    n_tensors, n_settings = cursor.number("Q"), cursor.number("Q")
    return n_tensors, {
        cursor.text(): cursor.setting(int(cursor.number("I"))) for _ in range(n_settings)
    }


def _read(path: Path) -> GgufFile:
    content = np.memmap(path, np.uint8, "r")
    cursor = _Cursor(content)
    n_tensors, settings = _read_head(cursor)
    places = [_read_place(cursor) for _ in range(n_tensors)]
    alignment = settings.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        msg = f"alignment {alignment!r}"
        raise ValueError(msg)
    start = -(-cursor.offset // alignment) * alignment
    tensors = {place.name: _load(content[start + place.offset :], place) for place in places}
    return GgufFile(settings, tensors)


class _Place(NamedTuple):
    """Where a tensor lies; `shape` has the output dimension first, as torch counts."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


class _Cursor:
    """Reads one value after another."""

    def __init__(self, content: _Bytes) -> None:
        self._content = content
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        end = self.offset + size
        if end > len(self._content):
            msg = f"{len(self._content)} bytes where more are announced"
            raise ValueError(msg)
        found = self._content[self.offset : end].tobytes()
        self.offset = end
        return found

    def number(self, form: str) -> int:
        """Return the next whole number."""
        return int(struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))[0])

    def text(self) -> str:
        """Return the next text."""
        return self.take(self.number("Q")).decode(errors="replace")

    def setting(self, kind: int) -> Setting:
        """Return the next value of a type."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, size = self.number("I"), self.number("Q")
            return self._texts(size) if inner == _STRING else self._numbers(inner, size)
        return self._numbers(kind, 1)[0]

    def _texts(self, size: int) -> list[int | float | bool | str]:
        return [self.text() for _ in range(size)]

    def _numbers(self, kind: int, size: int) -> list[int | float | bool | str]:
        if kind not in _NUMBERS:
            msg = f"a setting of type {kind}"
            raise ValueError(msg)
        form = f"<{size}{_NUMBERS[kind]}"
        return list(struct.unpack(form, self.take(struct.calcsize(form))))


def _read_place(cursor: _Cursor) -> _Place:
    name = cursor.text()
    # ggml counts the fastest dimension first.
    sizes = [cursor.number("Q") for _ in range(cursor.number("I"))]
    return _Place(name, tuple(reversed(sizes)), cursor.number("I"), cursor.number("Q"))


def _load(content: _Bytes, place: _Place) -> Weights:
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


def _halves(raw: _Bytes) -> Weights:
    """Read float16 values, one or more a row."""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _nibbles(raw: _Bytes) -> Weights:
    """Read 16 bytes as 32 numbers of four bits: all low halves, then all high ones."""
    return np.concatenate((raw & 15, raw >> 4), axis=1).astype(np.float32)


def _decode_q4_0(raw: _Bytes) -> Weights:
    return _halves(raw[:, :2]) * (_nibbles(raw[:, 2:]) - 8)


def _decode_q4_1(raw: _Bytes) -> Weights:
    return _halves(raw[:, :2]) * _nibbles(raw[:, 4:]) + _halves(raw[:, 2:4])


def _decode_q8_0(raw: _Bytes) -> Weights:
    return _halves(raw[:, :2]) * raw[:, 2:].view(np.int8).astype(np.float32)


_LAYOUTS: Final[Mapping[int, _Layout]] = {
    0: _Layout(4, 1, lambda raw: np.ascontiguousarray(raw).view(np.float32).copy()),
    1: _Layout(2, 1, _halves),
    2: _Layout(18, _BLOCK, _decode_q4_0),
    3: _Layout(20, _BLOCK, _decode_q4_1),
    8: _Layout(34, _BLOCK, _decode_q8_0),
}
