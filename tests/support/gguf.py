"""GGUF files for tests: small ones from scratch, and the embedded model with other settings."""

import struct
from collections.abc import Mapping
from pathlib import Path


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def setting(value: object) -> bytes:
    """A value with its type in front."""
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + text(value)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        case list():
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    raise TypeError(value)


def gguf(
    settings: Mapping[str, object], tensors: Mapping[str, tuple[int, tuple[int, ...], bytes]]
) -> bytes:
    """A file: tensors are (type, shape with the outputs first, raw bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(settings))
    head += b"".join(text(name) + setting(value) for name, value in settings.items())
    body = b""
    for name, (kind, shape, raw) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        head += struct.pack("<IQ", kind, len(body))
        body += raw + bytes(-len(raw) % 32)
    return head + bytes(-len(head) % 32) + body


def rewrite(source: Path, target: Path, settings: Mapping[str, object]) -> Path:
    """Copy a file with more settings in front of its own; the last one of a name counts.

    What comes in front is made a multiple of 32 bytes, so that all that follows only moves.
    """
    content = source.read_bytes()
    n_tensors, n_settings = struct.unpack("<QQ", content[8:24])
    extra = b"".join(text(name) + setting(value) for name, value in settings.items())
    filler = text("test.filler") + struct.pack("<I", 8)
    size = -(len(extra) + len(filler) + 8) % 32
    extra += filler + text("x" * size)
    head = content[:8] + struct.pack("<QQ", n_tensors, n_settings + len(settings) + 1)
    target.write_bytes(head + extra + content[24:])
    return target
