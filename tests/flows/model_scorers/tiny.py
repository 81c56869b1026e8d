"""A causal language model of a few thousand weights, whose tokens are bytes."""

from functools import cache
from typing import Any

from flows.language_model import LoadedModel

CONTEXT = 256
CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}{{ '<s>system\nBe kind.</s>\n' }}{% endif %}"
    "{% for turn in messages %}"
    "{{ '<s>' + turn['role'] + '\n' + turn['content'] + '</s>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
SPECIAL = ("<s>", "</s>")


def tiny_tokenizer(chat_template: str | None = CHAT_TEMPLATE, *, adds_begin: bool = False) -> Any:
    """One token per byte, after the two control tokens `<s>` (0) and `</s>` (1)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    if adds_begin:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=chat_template
    )


@cache
def tiny_network(seed: int = 0) -> Any:
    """A Llama of two layers with random weights, large enough to prefer some bytes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    network = LlamaForCausalLM(config)
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(8)
    network.train(False)
    return network


def tiny_model(chat_template: str | None = CHAT_TEMPLATE, *, seed: int = 0) -> LoadedModel:
    """The network and its tokenizer."""
    return LoadedModel(tiny_network(seed), tiny_tokenizer(chat_template), "tiny")
