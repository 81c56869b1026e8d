"""Reads the head of a GGUF file: settings, and where its weights lie."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError

#: One setting: a number, a text, or a list of either.
Setting: TypeAlias = int | float | bool | str | list[int | float | bool | str]
Bytes: TypeAlias = npt.NDArray[np.uint8]

VERSION: Final = 3
_MAGIC: Final = b"GGUF"
_DEFAULT_ALIGNMENT: Final = 32
_STRING, _ARRAY = 8, 9
#: Number of a setting's type to the form that `struct` reads it in.
_NUMBERS: Final[Mapping[int, str]] = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip


class TensorKind(NamedTuple):
    """How a type of weights is stored: `width` bytes hold `values` of them."""

    name: str
    values: int
    width: int


#: Number of a type of weights to what it is, as ggml counts them.
TENSOR_KINDS: Final[Mapping[int, TensorKind]] = {
    number: TensorKind(name, values, width)
    for number, name, values, width in (
        (0, "F32", 1, 4), (1, "F16", 1, 2), (2, "Q4_0", 32, 18), (3, "Q4_1", 32, 20),
        (6, "Q5_0", 32, 22), (7, "Q5_1", 32, 24), (8, "Q8_0", 32, 34), (9, "Q8_1", 32, 36),
        (10, "Q2_K", 256, 84), (11, "Q3_K", 256, 110), (12, "Q4_K", 256, 144),
        (13, "Q5_K", 256, 176), (14, "Q6_K", 256, 210), (15, "Q8_K", 256, 292),
        (16, "IQ2_XXS", 256, 66), (17, "IQ2_XS", 256, 74), (18, "IQ3_XXS", 256, 98),
        (19, "IQ1_S", 256, 50), (20, "IQ4_NL", 32, 18), (21, "IQ3_S", 256, 110),
        (22, "IQ2_S", 256, 82), (23, "IQ4_XS", 256, 136), (24, "I8", 1, 1), (25, "I16", 1, 2),
        (26, "I32", 1, 4), (27, "I64", 1, 8), (28, "F64", 1, 8), (29, "IQ1_M", 256, 56),
        (30, "BF16", 1, 2), (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17),
    )
}  # fmt: skip


class TensorPlace(NamedTuple):
    """Where a tensor lies; `shape` has the output dimension first, as torch counts."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def size(self) -> int:
        """Number of its weights."""
        size = 1
        for length in self.shape:
            size *= length
        return size


class GgufHeader(NamedTuple):
    """What a GGUF file says about itself.

    Attributes:
        settings: metadata by name, e.g. `llama.block_count`, `tokenizer.ggml.tokens`.
        tensors: where the weights lie.
        start: offset of the first of them, in bytes; their own offsets count from there.
    """

    settings: dict[str, Setting]
    tensors: list[TensorPlace]
    start: int


def read_header(path: Path) -> GgufHeader:
    """Read the head of a GGUF file of version 3, and see that the weights are all there.

    Args:
        path: the file; weights of any type, of which none is read.

    Raises:
        InputError: if it is no such file, or is cut short.

    Source:
        https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Differs: no big-endian files,
        no lists of lists.
    """
    try:
        content = np.memmap(path, np.uint8, "r")
        header = parse_header(content)
        _require_weights(header, len(content))
    except (OSError, ValueError, struct.error) as error:
        msg = (
            f"expected a GGUF file (version {VERSION}), got {error} in {str(path)!r}: give the "
            "path of a whole model file"
        )
        raise InputError(msg) from error
    return header


def parse_header(content: Bytes) -> GgufHeader:
    """Read the head of a GGUF file.

    Args:
        content: all its bytes.

    Raises:
        ValueError: if it is not of this form, or ends too early.
        struct.error: likewise.
    """
    cursor = _Cursor(content)
    magic = cursor.take(4)
    version = cursor.number("I")
    if (magic, version) != (_MAGIC, VERSION):
        msg = f"{magic!r}, version {version}"
        raise ValueError(msg)
    n_tensors, n_settings = cursor.number("Q"), cursor.number("Q")
    settings = {cursor.text(): cursor.setting(int(cursor.number("I"))) for _ in range(n_settings)}
    places = [_read_place(cursor) for _ in range(n_tensors)]
    alignment = settings.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1:
        msg = f"alignment {alignment!r}"
        raise ValueError(msg)
    start = -(-cursor.offset // alignment) * alignment
    return GgufHeader(settings, places, start)


def _require_weights(header: GgufHeader, size: int) -> None:
    """Tell a download that broke off: llama.cpp would say so in thirty lines."""
    for place in header.tensors:
        kind = TENSOR_KINDS.get(place.kind)
        width = 1 if kind is None else -(-place.size // kind.values) * kind.width
        end = header.start + place.offset + width
        if end > size:
            msg = f"{size:,} bytes where {place.name!r:.80} ends at {end:,}, cut short"
            raise ValueError(msg)


class _Cursor:
    """Reads one value after another."""

    def __init__(self, content: Bytes) -> None:
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


def _read_place(cursor: _Cursor) -> TensorPlace:
    name = cursor.text()
    # ggml counts the fastest dimension first.
    sizes = [cursor.number("Q") for _ in range(cursor.number("I"))]
    return TensorPlace(name, tuple(reversed(sizes)), cursor.number("I"), cursor.number("Q"))
