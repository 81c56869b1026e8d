"""Chat templates that many models share, as far as conversations of text need them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TURNS = "{%% for turn in messages %%}%s{%% endfor %%}"
#: Name of a family to its template, in Jinja, and the token that its texts begin with.
FAMILIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "chatml": (
            _TURNS % "<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n",
            "",
        ),
        "llama3": (
            "{{ bos_token }}"
            + _TURNS
            % "<|start_header_id|>{{ turn.role }}<|end_header_id|>\n\n{{ turn.content }}<|eot_id|>",
            "<|begin_of_text|>",
        ),
        "mistral": (
            "{{ bos_token }}{% set head = namespace(text='') %}"
            + _TURNS
            % (
                "{% if turn.role == 'system' %}{% set head.text = turn.content + '\n\n' %}"
                "{% elif turn.role == 'user' %}[INST] {{ head.text + turn.content }} [/INST]"
                "{% set head.text = '' %}{% else %} {{ turn.content }}</s>{% endif %}"
            ),
            "<s>",
        ),
        "gemma": (
            "{{ bos_token }}{% if messages[0].role == 'system' %}"
            "{{ raise_exception('System role not supported') }}{% endif %}"
            + _TURNS
            % (
                "<start_of_turn>{{ 'model' if turn.role == 'assistant' else turn.role }}\n"
                "{{ turn.content }}<end_of_turn>\n"
            ),
            "<bos>",
        ),
        "phi3": (_TURNS % "<|{{ turn.role }}|>\n{{ turn.content }}<|end|>\n", "<s>"),
        "zephyr": (_TURNS % "<|{{ turn.role }}|>\n{{ turn.content }}</s>\n", "<s>"),
    }
)
