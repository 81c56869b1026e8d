"""GGUF: every type of weights as llama.cpp reads it, and no file that breaks the reader."""

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.language_model.gguf import read_gguf
from flows.language_model.smollm import build_smollm
from schemas.errors import InputError
from tests.flows.model_scorers.tiny import CHAT_TEMPLATE, tiny_network, tiny_tokenizer
from tests.support.gguf import gguf

F32, F16, Q4_0, Q4_1, Q8_0, Q6_K = 0, 1, 2, 3, 8, 14
TEXT = "Grüße, <s>2026\n\n"


NIBBLES = np.arange(16, dtype=np.uint8) | (np.arange(16, dtype=np.uint8)[::-1] << 4)
LOW_THEN_HIGH = [*range(16), *reversed(range(16))]
HALF, TWO = np.float16(0.5).tobytes(), np.float16(2).tobytes()


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (F32, np.arange(32, dtype=np.float32).tobytes(), range(32)),
        (F16, np.arange(32, dtype=np.float16).tobytes(), range(32)),
        (Q4_0, HALF + NIBBLES.tobytes(), [0.5 * (n - 8) for n in LOW_THEN_HIGH]),
        (Q4_1, HALF + TWO + NIBBLES.tobytes(), [0.5 * n + 2 for n in LOW_THEN_HIGH]),
        (Q8_0, HALF + np.arange(-16, 16, dtype=np.int8).tobytes(), [n / 2 for n in range(-16, 16)]),
    ],
)
def test_weights_of_every_type(kind: int, raw: bytes, expected: list[float], tmp_path) -> None:
    path = tmp_path / "one.gguf"
    path.write_bytes(gguf({}, {"before": (F32, (1,), bytes(4)), "w": (kind, (2, 16), raw)}))
    found = read_gguf(path).tensors["w"]
    assert found.dtype == np.float32
    assert found.tolist() == np.reshape(list(expected), (2, 16)).tolist()


def test_settings_of_every_type(tmp_path: Path) -> None:
    path = tmp_path / "settings.gguf"
    given = {"a": 7, "b": True, "c": 0.5, "d": "Grüße", "e": ["x", ""], "f": [1, -2, 3]}
    path.write_bytes(gguf(given, {}))
    assert read_gguf(path).settings == given


WHOLE = gguf({"n": 1, "tokens": ["a", "b"]}, {"w": (Q4_1, (2, 16), HALF + TWO + bytes(16))})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=12), st.booleans())
def test_no_file_breaks_the_reader(tmp_path_factory, at: int, junk: bytes, is_cut: bool) -> None:
    path = tmp_path_factory.mktemp("gguf") / "broken.gguf"
    rest = b"" if is_cut else WHOLE[at + len(junk) :]
    path.write_bytes(WHOLE[:at] + junk + rest)
    # Anything but an InputError is a bug; a change that leaves the file whole is none.
    with suppress(InputError):
        read_gguf(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"GGUX" + WHOLE[4:], "GGUX"),
        (WHOLE[:4] + struct.pack("<I", 2) + WHOLE[8:], "version 2"),
        (WHOLE[:-40], "cut short"),
        (gguf({}, {"w": (Q6_K, (256,), bytes(210))}), "type 14"),
        (gguf({"general.alignment": 0}, {}), "alignment 0"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_gguf(path)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.gguf"):
        read_gguf(tmp_path / "none.gguf")


def tiny_smollm(**changed: object) -> bytes:
    """The tiny network as llama.cpp would keep it."""
    network, tokenizer = tiny_network(), tiny_tokenizer()
    config = network.config
    vocabulary = tokenizer.get_vocab()
    names = {
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        "model.embed_tokens": "token_embd", "model.norm": "output_norm",
    }  # fmt: skip
    tensors = {}
    for name, weights in network.state_dict().items():
        if name == "lm_head.weight":
            continue
        array = weights.numpy()
        for heads, layer in ((4, "q_proj"), (2, "k_proj")):
            if layer in name:
                # As convert_hf_to_gguf.py does.
                halves = array.reshape(heads, 2, len(array) // heads // 2, -1)
                array = halves.swapaxes(1, 2).reshape(array.shape)
        place = name.removesuffix(".weight").replace("model.layers.", "")
        block, _, layer = place.partition(".")
        target = f"blk.{block}.{names[layer]}" if block.isdigit() else names[place]
        tensors[f"{target}.weight"] = (F32, array.shape, array.astype(np.float32).tobytes())
    given: dict[str, object] = {
        "general.architecture": "llama",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": sorted(vocabulary, key=vocabulary.get),
        "tokenizer.ggml.token_type": [3, 3, *[1] * 256],
        "tokenizer.ggml.merges": [],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 1,
        "tokenizer.chat_template": CHAT_TEMPLATE,
        "llama.embedding_length": config.hidden_size,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.block_count": config.num_hidden_layers,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.context_length": config.max_position_embeddings,
        "llama.attention.layer_norm_rms_epsilon": config.rms_norm_eps,
        "llama.rope.freq_base": float(config.rope_parameters["rope_theta"]),
    }
    given |= changed
    dropped = {name for name, value in given.items() if value is None}
    kept = {name: weights for name, weights in tensors.items() if name not in dropped}
    return gguf({name: given[name] for name in given.keys() - dropped}, kept)


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny_smollm())
    network, tokenizer = build_smollm(path)
    tokens = torch.tensor([tokenizer(TEXT)["input_ids"]])
    with torch.inference_mode():
        assert torch.equal(network(tokens).logits, tiny_network()(tokens).logits)
    assert not network.training
    assert tokenizer.chat_template == CHAT_TEMPLATE
    assert tokenizer(TEXT)["input_ids"] == tiny_tokenizer()(TEXT)["input_ids"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"blk.1.attn_k.weight": None}, "no model.layers.1.self_attn.k_proj.weight"),
        ({"token_embd.weight": None}, "no model.embed_tokens.weight"),
        ({"llama.block_count": None}, "block_count"),
        ({"llama.embedding_length": 48}, "expected a whole model"),
        ({"tokenizer.ggml.merges": ["x y"]}, "expected a whole model"),
        ({"tokenizer.ggml.bos_token_id": 999}, "expected a whole model"),
        ({"general.architecture": "mamba"}, "mamba"),
        ({"tokenizer.ggml.pre": "llama-bpe"}, "transformers directory"),
    ],
)
def test_half_a_model_is_none(changed: dict[str, object], complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(tiny_smollm(**changed))
    with pytest.raises(InputError, match=complaint) as caught:
        build_smollm(path)
    assert "\n" not in str(caught.value)
