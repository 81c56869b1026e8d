"""Loads a causal language model into transformers, from a GGUF file, a directory or the Hub."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.language_model.smollm import build_smollm, build_tokenizer
from flows.teachers.embedded import MODEL, find_weights
from schemas.errors import InputError


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, float32 on the CPU, ready to be read from or trained.

    Attributes:
        model: transformers' causal language model, in evaluation mode.
        tokenizer: its fast tokenizer; `chat_template` is None where the model knows no chats.
        name: what to record.
    """

    model: Any
    tokenizer: Any
    name: str

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer and chat template, hexadecimal."""
        digest = hashlib.sha256(self.tokenizer.backend_tokenizer.to_str().encode())
        digest.update(str(self.tokenizer.chat_template).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().contiguous().numpy().data)
        return digest.hexdigest()


def load_language_model(model: str | Path | None = None) -> LoadedModel:
    """Load a model, without network where it is a file, a directory or the embedded one.

    Args:
        model: a GGUF file of a SmolLM, a transformers directory or a Hub name; None for the
            embedded teacher's SmolLM2-135M-Instruct.

    Raises:
        InputError: if the embedded weights are not installed or `model` cannot be loaded.
    """
    path = find_weights() if model is None else Path(model)
    if path.suffix == ".gguf":
        built, tokenizer = build_smollm(path)
        return LoadedModel(built, tokenizer, MODEL if model is None else path.name)
    return _load_transformers(str(model), is_local=path.is_dir())


def _load_transformers(name: str, *, is_local: bool) -> LoadedModel:
    # Loading torch takes seconds; a run without a language model must not pay for it.
    import torch
    from transformers import AutoModelForCausalLM

    with _load_errors(name, "a causal language model"):
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype=torch.float32, **_safe(is_local=is_local)
        )
    return LoadedModel(model.eval(), _load_fast_tokenizer(name, is_local=is_local), name)


def load_tokenizer(model: str | None = None) -> Any:  # noqa: ANN401 - transformers has no types
    """Load the tokenizer of a model, and none of its weights.

    Args:
        model: as for `load_language_model`.

    Raises:
        InputError: if there is none, or it is not a fast one.
    """
    path = find_weights() if model is None else Path(model)
    if path.suffix == ".gguf":
        return build_tokenizer(path)
    return _load_fast_tokenizer(str(model), is_local=path.is_dir())


def _load_fast_tokenizer(name: str, *, is_local: bool) -> Any:  # noqa: ANN401
    from transformers import AutoTokenizer

    with _load_errors(name, "a tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(name, **_safe(is_local=is_local))
    if not tokenizer.is_fast:
        msg = f"expected a model with a fast tokenizer, got {name!r}; give another one"
        raise InputError(msg)
    return tokenizer


def _safe(*, is_local: bool) -> dict[str, Any]:
    """Left open, transformers asks at the keyboard whether to run a model's own code."""
    return {"local_files_only": is_local, "trust_remote_code": False}


@contextmanager
def _load_errors(name: str, wanted: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, OSError, ValueError) as error:
        msg = (
            f"expected {wanted}, got {name!r} "
            f"({str(error).partition(chr(10))[0]}); give a directory or a Hub name"
        )
        raise InputError(msg) from error
