"""What a GGUF file says about the model in it, and whether it can be a teacher."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from flows.language_model.gguf_header import TENSOR_KINDS, GgufHeader, Setting, read_header
from schemas.errors import InputError

_NAME_CHARACTERS: Final = 100
#: Words in the place of a licence that state none.
_NO_LICENSE: Final = frozenset({"", "other", "unknown", "none"})
#: `general.file_type` to its name, as llama.cpp counts them.
_FILE_TYPES: Final[Mapping[int, str]] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
}  # fmt: skip


class ModelFile(NamedTuple):
    """A model in a GGUF file.

    Attributes:
        path: of the file.
        bytes: its size.
        name: of the model.
        license: null where the file states none.
        architecture: such as `llama`.
        quantization: such as `Q4_K_M`.
        parameters: number of its weights.
        trained_context: tokens it was made for; null where the file does not say.
        chat_template_sha256: null where it has none.
    """

    path: Path
    bytes: int
    name: str
    license: str | None
    architecture: str
    quantization: str
    parameters: int
    trained_context: int | None
    chat_template_sha256: str | None


def inspect_model(path: Path) -> ModelFile:
    """Read what a GGUF file says about its model.

    Args:
        path: of the file.

    Raises:
        InputError: if it is none, is cut short, is a part of one, or holds no language model.
    """
    return _inspect(path, *_stamp(path))


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return what changes with a file."""
    try:
        found = path.stat()
    except OSError as error:
        msg = (
            f"expected a GGUF file, got {error.strerror or error} for {str(path)!r}: check "
            "teacher.gguf; a relative path starts at the recipe"
        )
        raise InputError(msg) from error
    return found.st_size, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=16)
def _inspect(path: Path, size: int, *_stamp: int) -> ModelFile:
    header = read_header(path)
    settings = header.settings
    architecture = _text(settings, "general.architecture")
    kind = _text(settings, "general.type") or "model"
    if kind != "model" or not architecture:
        msg = (
            f"expected a language model, got a file of type {kind!r} without an architecture"
            if kind == "model"
            else f"expected a language model, got a file of type {kind!r}"
        )
        msg += f" in {str(path)!r}: give the file of the model itself"
        raise InputError(msg)
    parts = settings.get("split.count")
    if isinstance(parts, int) and parts > 1:
        msg = (
            f"expected one GGUF file, got a part of {parts} in {str(path)!r}: join them with "
            "`llama-gguf-split --merge`"
        )
        raise InputError(msg)
    context = settings.get(f"{architecture}.context_length")
    template = settings.get("tokenizer.chat_template")
    return ModelFile(
        path=path,
        bytes=size,
        name=_text(settings, "general.name") or _printable(path.stem) or "model",
        license=_license(settings),
        architecture=architecture,
        quantization=_quantization(header),
        parameters=sum(place.size for place in header.tensors),
        trained_context=context if isinstance(context, int) and context > 0 else None,
        chat_template_sha256=(
            hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()
            if isinstance(template, str)
            else None
        ),
    )


def _text(settings: Mapping[str, Setting], name: str) -> str:
    value = settings.get(name)
    return _printable(value) if isinstance(value, str) else ""


def _printable(text: str) -> str:
    """Keep what is harmless in a card and a terminal: the file is not to be trusted."""
    clean = "".join(mark if mark.isprintable() and mark not in "`|<>" else " " for mark in text)
    return " ".join(clean.split())[:_NAME_CHARACTERS]


def _license(settings: Mapping[str, Setting]) -> str | None:
    stated = _text(settings, "general.license")
    if stated.lower() in _NO_LICENSE:
        stated = _text(settings, "general.license.name")
    return None if stated.lower() in _NO_LICENSE else stated


def _quantization(header: GgufHeader) -> str:
    """What the file says; where it does not, the type that most of its weights have."""
    stated = header.settings.get("general.file_type")
    if isinstance(stated, int) and stated in _FILE_TYPES:
        return _FILE_TYPES[stated]
    sizes: Counter[int] = Counter()
    for place in header.tensors:
        sizes[place.kind] += place.size
    if not sizes:
        return "unknown"
    kind = min(sizes, key=lambda number: (-sizes[number], number))
    return TENSOR_KINDS[kind].name if kind in TENSOR_KINDS else f"type {kind}"
