"""What stands before a user's words, in many templates; and what a template cannot do."""

import json
import struct
from pathlib import Path

import pytest

from flows.chat_templates.families import FAMILIES
from flows.chat_templates.reading import read_template
from flows.chat_templates.template import ChatTemplate
from schemas.errors import InputError

#: Templates as the models publish them (shortened to what conversations of text reach).
PUBLISHED = {
    "chatml": (
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
        "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    "llama3": (
        "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
        "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | "
        "trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
        "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
    ),
    "mistral": (
        "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != "
        "(loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate "
        "user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}"
        "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
        "{{ ' ' + message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and "
        "assistant roles are supported!') }}{% endif %}{% endfor %}"
    ),
    "gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role "
        "not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == "
        "'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must "
        "alternate') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
        "{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + "
        "message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt "
        "%}{{'<start_of_turn>model\n'}}{% endif %}"
    ),
    "phi3": (
        "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + "
        "message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + "
        "message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}"
        "{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
    ),
    "zephyr": (
        "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + "
        "message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ "
        "'<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == "
        "'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n"
        "{% endfor %}"
    ),
}
TALK = [
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "So."},
]
HEADS = {
    "chatml": "<|im_start|>user\n",
    "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
    "mistral": "<s>[INST]",
    "gemma": "<bos><start_of_turn>user\n",
    "phi3": "<|user|>\n",
    "zephyr": "<|user|>\n",
}
ENDS = {
    "chatml": "<|im_end|>",
    "llama3": "<|eot_id|>",
    "mistral": "[/INST]",
    "gemma": "<end_of_turn>",
    "phi3": "<|end|>",
    "zephyr": "</s>",
}


def published(family: str) -> ChatTemplate:
    return ChatTemplate(family, PUBLISHED[family], FAMILIES[family][1], "</s>", writes_bos=True)


def as_transformers(template: ChatTemplate, turns: list[dict[str, str]]) -> str:
    """Render with transformers itself."""
    from transformers.utils.chat_template_utils import render_jinja_template

    texts, _ = render_jinja_template(
        [turns], chat_template=template.source, bos_token=template.bos, eos_token=template.eos
    )
    return str(texts[0])


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_head_of_a_turn_is_what_transformers_renders_before_the_words(family: str) -> None:
    template = published(family)
    for before in ([], TALK):
        whole = as_transformers(template, [*before, {"role": "user", "content": "@@@@"}])
        head, mark, rest = whole.partition("@@@@")
        assert mark
        assert template.head(before) == head.rstrip(" ")
        assert rest.strip().startswith(template.end_of_turn())


@pytest.mark.parametrize("family", PUBLISHED)
def test_our_short_form_of_a_family_is_the_published_one(family: str) -> None:
    ours, theirs = read_template(family, None, writes_bos=True), published(family)
    assert ours.head([]) == theirs.head([]) == HEADS[family]
    assert ours.head(TALK) == theirs.head(TALK)
    assert ours.end_of_turn() == theirs.end_of_turn() == ENDS[family]


def test_the_first_token_is_left_to_the_server_unless_asked_for() -> None:
    assert read_template("llama3", None).head([]) == HEADS["llama3"].removeprefix(
        "<|begin_of_text|>"
    )


@pytest.mark.parametrize("family", ["chatml", "llama3", "mistral", "phi3", "zephyr"])
def test_a_system_turn_stands_before(family: str) -> None:
    head = read_template(family, None).head([{"role": "system", "content": "Be kind."}])
    assert "Be kind." in head
    assert head != read_template(family, None).head([])


def test_a_template_that_refuses_a_system_turn_is_one_line() -> None:
    with pytest.raises(InputError, match="turns system, user, got 'System role not supported'"):
        read_template("gemma", None).head([{"role": "system", "content": "Be kind."}])


def test_a_template_that_swallows_turns_is_one_line() -> None:
    deaf = ChatTemplate("t.jinja", "{{ messages[-1].content }}")
    with pytest.raises(InputError, match=r"got none for 'system' in t\.jinja"):
        deaf.head([{"role": "system", "content": "Be kind."}])
    with pytest.raises(InputError, match="none for 'user'"):
        ChatTemplate("t.jinja", "hello").head([])


def test_the_embedded_model_brings_its_template() -> None:
    from flows.teachers.embedded import find_weights

    template = read_template("auto", find_weights())
    assert template.head([]) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n<|im_start|>user\n"
    )
    system = {"role": "system", "content": "Be kind."}
    assert template.head([system]) == "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n"
    assert (template.end_of_turn(), template.bos) == ("<|im_end|>", "<|im_start|>")


@pytest.mark.parametrize(
    "config",
    [
        {"chat_template": PUBLISHED["llama3"], "bos_token": "<|begin_of_text|>"},
        {"chat_template": PUBLISHED["llama3"], "bos_token": {"content": "<|begin_of_text|>"}},
        {
            "chat_template": [
                {"name": "tool_use", "template": "x"},
                {"name": "default", "template": PUBLISHED["llama3"]},
            ],
            "bos_token": "<|begin_of_text|>",
        },
    ],
)
def test_a_tokenizer_config_is_read(tmp_path: Path, config: dict) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(config))
    assert read_template("c", path, writes_bos=True).head([]) == HEADS["llama3"]


def test_a_jinja_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "chat_template.jinja"
    path.write_text(PUBLISHED["gemma"])
    assert read_template("c", path).head([]) == "<start_of_turn>user\n"
    with pytest.raises(InputError, match="a file that says what its first token is"):
        read_template("c", path, writes_bos=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.jinja", None),
        ("empty.jinja", b""),
        ("latin.jinja", b"\xff\xfe\xfd"),
        ("config.json", b"{}"),
        ("config.json", b"[1]"),
        ("config.json", b"{"),
        ("config.json", b'{"chat_template": 5}'),
        ("config.json", b'{"chat_template": [{"name": "x"}, 3]}'),
        ("model.gguf", b"GGUF"),
        ("model.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 0)),
        ("model.gguf", b"no"),
        ("huge.jinja", b"x" * 200_000),
    ],
)
def test_files_without_a_template_are_one_line(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_template(name, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


#: What a template of a stranger may try.
ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ raise_exception.__globals__['__builtins__']['open']('MARK', 'w') }}",
    "{{ strftime_now.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.system('touch MARK') }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ lipsum.__globals__['os'].popen('touch MARK').read() }}",
    "{% set x = messages.append({'role': 'user', 'content': 'x'}) %}{{ messages[0].content }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ '%s'.format.__globals__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(range) }}",
    # Without end.
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999999) %}x{% endfor %}",
    "{{ 'x' * 10 ** 10 }}",
    "{{ [0] * 999999999 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    # Broken.
    "{% for %}",
    "{{ messages[",
    "{{ 1 / 0 }}",
    "{{ messages[7].content.x }}",
    "{{ nothing.at.all }}",
    "{{ raise_exception('no') }}",
    "{{ messages | nosuchfilter }}",
]


@pytest.mark.parametrize("source", ATTACKS)
def test_a_template_can_do_nothing_but_write(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        ChatTemplate("evil.jinja", source).head([])
    assert "evil.jinja" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_template_knows_no_clock() -> None:
    clock = "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}"
    assert ChatTemplate("t", clock).head([]) == "2026-01-01:"


def test_tags_for_training_are_read_as_nothing() -> None:
    source = (
        "{% for m in messages %}{% generation %}<{{ m.content }}>{% endgeneration %}{% endfor %}"
    )
    assert ChatTemplate("t", source).render([{"role": "user", "content": "a"}]) == "<a>"


def test_json_and_loop_controls_are_there_as_in_transformers() -> None:
    source = (
        "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m | tojson }}"
        "{% endfor %}"
    )
    turns = [{"role": "user", "content": "ä"}] * 2
    assert ChatTemplate("t", source).render(turns) == '{"role": "user", "content": "ä"}'
