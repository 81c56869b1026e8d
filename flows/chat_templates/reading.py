"""Reads chat templates from the files that local models come with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flows.chat_templates.families import FAMILIES
from flows.chat_templates.sandbox import LARGEST
from flows.chat_templates.template import ChatTemplate
from flows.language_model.gguf_header import read_header
from schemas.errors import InputError


class _Found(NamedTuple):
    """What a file says; "" where it says nothing."""

    source: str = ""
    bos: str = ""
    eos: str = ""


def read_template(name: str, path: Path | None, *, writes_bos: bool = False) -> ChatTemplate:
    """Return the template of a family, or the one in a file.

    Args:
        name: as the recipe has it; a key of FAMILIES, or the name of a file.
        path: where the file is; null for a family.
        writes_bos: whether the template's first token is to be written.

    Raises:
        InputError: if there is no such family or file, or no template in it.
    """
    if path is None:
        source, bos = FAMILIES[name]
        return ChatTemplate(name, source, bos, writes_bos=writes_bos)
    if path.suffix == ".gguf":
        found = _from_settings(read_header(path).settings)
    elif path.suffix == ".json":
        found = _from_json(_read_text(path))
    else:
        found = _Found(_read_text(path))
    if not found.source.strip() or len(found.source) > LARGEST:
        msg = (
            f"expected a chat template of at most {LARGEST:,} characters, got "
            f"{len(found.source):,} in {path}: name a Jinja file, a tokenizer_config.json or a "
            f"GGUF file that has one, or one of {', '.join(FAMILIES)}"
        )
        raise InputError(msg)
    if writes_bos and not found.bos:
        msg = (
            f"expected a file that says what its first token is, for writes_bos, got {path}: name "
            "a tokenizer_config.json or a GGUF file"
        )
        raise InputError(msg)
    return ChatTemplate(name, *found, writes_bos)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = (
            f"expected a chat template, got {reason!r} for {path}: name a file, or one of "
            f"{', '.join(FAMILIES)}"
        )
        raise InputError(msg) from error


def _from_json(text: str) -> _Found:
    """Read a `tokenizer_config.json`; of several templates the one called `default`."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        return _Found()
    found = config.get("chat_template")
    if isinstance(found, list):
        named = {item.get("name"): item.get("template") for item in found if isinstance(item, dict)}
        found = named.get("default")
    source = found if isinstance(found, str) else ""
    return _Found(source, _token(config.get("bos_token")), _token(config.get("eos_token")))


def _token(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _from_settings(settings: Mapping[str, Any]) -> _Found:
    """Read the settings of a GGUF file."""
    tokens = settings.get("tokenizer.ggml.tokens")
    names = tokens if isinstance(tokens, list) else []
    found = []
    for name in ("bos", "eos"):
        place = settings.get(f"tokenizer.ggml.{name}_token_id")
        is_known = isinstance(place, int) and 0 <= place < len(names)
        found.append(str(names[int(place or 0)]) if is_known else "")
    return _Found(str(settings.get("tokenizer.chat_template") or ""), *found)
