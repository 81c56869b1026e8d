"""Builds a SmolLM in transformers from the GGUF file that llama.cpp serves.

transformers can read GGUF itself: the same weights with two more packages and in ten times the
time, but its tokenizer cuts a blank line into other tokens than llama.cpp and the original do.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from flows.language_model.gguf import GgufFile, Weights, read_gguf
from flows.language_model.gguf_header import Setting
from schemas.errors import InputError

_Built = TypeVar("_Built")
_SPECIAL_TOKEN: Final = 3
_ROPE_BASE: Final = "llama.rope.freq_base"
#: Argument of transformers' configuration to GGUF's setting.
_CONFIG: Final[Mapping[str, str]] = {
    "hidden_size": "llama.embedding_length",
    "intermediate_size": "llama.feed_forward_length",
    "num_hidden_layers": "llama.block_count",
    "num_attention_heads": "llama.attention.head_count",
    "num_key_value_heads": "llama.attention.head_count_kv",
    "max_position_embeddings": "llama.context_length",
    "rms_norm_eps": "llama.attention.layer_norm_rms_epsilon",
    "bos_token_id": "tokenizer.ggml.bos_token_id",
    "eos_token_id": "tokenizer.ggml.eos_token_id",
    "pad_token_id": "tokenizer.ggml.padding_token_id",
}
#: GGUF's name of a layer's weights to transformers'.
_OF_LAYER: Final[Mapping[str, str]] = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OF_MODEL: Final[Mapping[str, str]] = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def build_smollm(path: Path) -> tuple[Any, Any]:
    """Read a SmolLM.

    Args:
        path: a GGUF file of architecture `llama` whose tokenizer is `smollm`.

    Returns:
        The `LlamaForCausalLM` (float32, evaluation mode) and its fast tokenizer.

    Raises:
        InputError: if the file holds something else or not all of it.
    """
    return _build(path, lambda file: (_build_model(file), _build_tokenizer(file.settings)))


def build_tokenizer(path: Path) -> Any:  # noqa: ANN401 - transformers has no types
    """Read the fast tokenizer of a SmolLM, without its weights.

    Args:
        path: as for `build_smollm`.

    Raises:
        InputError: if the file holds something else or not all of it.
    """
    return _build(path, lambda file: _build_tokenizer(file.settings))


def _build(path: Path, build: Callable[[GgufFile], _Built]) -> _Built:
    file = read_gguf(path)
    kind = (file.settings.get("general.architecture"), file.settings.get("tokenizer.ggml.pre"))
    if kind != ("llama", "smollm"):
        msg = (
            f"expected a SmolLM (llama, smollm), got {kind} in {path}; "
            "give the model as a transformers directory"
        )
        raise InputError(msg)
    try:
        return build(file)
    except (LookupError, ValueError, RuntimeError) as error:
        msg = f"expected a whole model in {path}, got {error!s:.200}; give another file"
        raise InputError(msg) from error


def _build_model(file: GgufFile) -> Any:  # noqa: ANN401 - transformers has no types
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    values: dict[str, Any] = {name: file.settings[setting] for name, setting in _CONFIG.items()}
    config = LlamaConfig(
        **values,
        vocab_size=len(_listed(file.settings, "tokenizer.ggml.tokens")),
        rope_parameters={"rope_type": "default", "rope_theta": file.settings[_ROPE_BASE]},
        tie_word_embeddings="output.weight" not in file.tensors,
    )
    heads: dict[str, int] = {
        "attn_q": values["num_attention_heads"],
        "attn_k": values["num_key_value_heads"],
    }
    state = {}
    for name, weights in file.tensors.items():
        layer = name.split(".")[-2]
        ordered = _halves_together(weights, heads[layer]) if layer in heads else weights
        state[_rename(name)] = torch.from_numpy(np.ascontiguousarray(ordered))
    model = LlamaForCausalLM.from_pretrained(None, config=config, state_dict=state)
    shared = {_OF_MODEL["output.weight"]} if config.tie_word_embeddings else set()
    missing = model.state_dict().keys() - state.keys() - shared
    # transformers fills up what is missing with random numbers.
    if missing:
        msg = f"no {min(missing)}"
        raise ValueError(msg)
    model.train(False)
    return model


def _rename(name: str) -> str:
    """Return transformers' name of a tensor."""
    if not name.startswith("blk."):
        return _OF_MODEL[name]
    _, block, layer, _ = name.split(".")
    return f"model.layers.{block}.{_OF_LAYER[layer]}.weight"


def _halves_together(weights: Weights, heads: int) -> Weights:
    """Undo llama.cpp's order of a head's dimensions, where the halves that rotate alternate."""
    size = len(weights) // heads // 2
    return weights.reshape(heads, size, 2, -1).swapaxes(1, 2).reshape(weights.shape)


def _build_tokenizer(settings: Mapping[str, Setting]) -> Any:  # noqa: ANN401
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens = [str(token) for token in _listed(settings, "tokenizer.ggml.tokens")]
    kinds = _listed(settings, "tokenizer.ggml.token_type")
    numbers = {token: number for number, token in enumerate(tokens)}
    merges = [str(merge).split(" ", 1) for merge in _listed(settings, "tokenizer.ggml.merges")]
    unknown = next((merge for merge in merges if "".join(merge) not in numbers), None)
    if unknown is not None:
        msg = f"merge {unknown} of no token"
        raise ValueError(msg)
    bpe = models.BPE(vocab=numbers, merges=[(left, right) for left, right in merges])
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == _SPECIAL_TOKEN
        ]
    )
    special = {
        f"{role}_token": tokens[int(str(settings[f"tokenizer.ggml.{name}_token_id"]))]
        for role, name in {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}.items()
    }
    make: Any = PreTrainedTokenizerFast
    return make(
        tokenizer_object=tokenizer,
        chat_template=settings.get("tokenizer.chat_template"),
        model_max_length=settings["llama.context_length"],
        **special,
    )


def _listed(settings: Mapping[str, Setting], name: str) -> list[int | float | bool | str]:
    found = settings[name]
    return found if isinstance(found, list) else [found]
