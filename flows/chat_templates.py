"""Chat templates of local models: what stands before and after a user's words.

A template is a program that comes with a model, so it is rendered in jinja2's sandbox, as
transformers does, with the same few names in reach. It knows no clock, and what it may loop over
and write has an end.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flows.language_model.gguf import read_settings
from schemas.errors import InputError

Turn = Mapping[str, str]

#: Private-use characters: no template cuts, changes or looks for them.
_MARK: Final = "\ue000words\ue001"
_MOST: Final = 100_000  # characters and rounds of loops of one rendering, and of a template
_SAME_DAY: Final = "2026-01-01"
_END_OF_TURN = re.compile(r"\s*(<[^<>\s]+>|\[[^\[\]\s]+\]|\S[^\n]*)")
#: What a template that does not fit its data raises, beside jinja2's own errors.
_FAULTS: Final = (
    TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError,
    RecursionError, MemoryError,
)  # fmt: skip

_TURNS = "{%% for turn in messages %%}%s{%% endfor %%}"
#: The families' templates, as far as conversations of text need them; Jinja, and first token.
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


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A chat template and the tokens that it may write.

    Attributes:
        name: family or file, for errors.
        source: Jinja.
        bos: token that a text begins with, "" for none or where it is not known.
        eos: likewise, that a text ends with.
        writes_bos: whether `bos` is written; most servers add it themselves.
    """

    name: str
    source: str
    bos: str = ""
    eos: str = ""
    writes_bos: bool = False

    def head(self, turns: Sequence[Turn]) -> str:
        """Return a chat up to where the words of the user's next turn begin.

        A blank at the end is left to the model: tokenisers join it with the first word.

        Args:
            turns: the chat before; may begin with a system turn.

        Raises:
            InputError: if the template is broken, or has no place for these turns.
        """
        return self._around(turns)[0].rstrip(" ")

    def end_of_turn(self) -> str:
        """Return what closes a user's turn, "" where nothing does.

        Raises:
            InputError: as for `head`.
        """
        found = _END_OF_TURN.match(self._around([])[1])
        return found.group(1).strip() if found else ""

    def render(self, turns: Sequence[Turn], *, add_generation_prompt: bool = False) -> str:
        """Return a chat in the template's words.

        Args:
            turns: with `role` and `content`.
            add_generation_prompt: whether an assistant's turn is begun.

        Raises:
            InputError: if the template is broken, or refuses these turns.
        """
        try:
            return _render(self, turns, add_generation_prompt=add_generation_prompt)
        except _FAULTS as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            roles = ", ".join(turn["role"] for turn in turns)
            msg = (
                f"expected a chat template that takes the turns {roles}, got {reason!r} from "
                f"{self.name}: correct it, or name another template"
            )
            raise InputError(msg) from error

    def _around(self, turns: Sequence[Turn]) -> tuple[str, str]:
        text = self.render([*turns, {"role": "user", "content": _MARK}])
        before, mark, after = text.partition(_MARK)
        lost = [turn["role"] for turn in turns if turn["content"].strip() not in before]
        if not mark or lost:
            msg = (
                f"expected a chat template with a place for every turn, got none for "
                f"{lost[0] if lost else 'user'!r} in {self.name}: name another template"
            )
            raise InputError(msg)
        return before, after


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
        found = _from_settings(read_settings(path))
    elif path.suffix == ".json":
        found = _from_json(_read_text(path))
    else:
        found = (_read_text(path), "", "")
    source, bos, eos = found
    if not source.strip() or len(source) > _MOST:
        msg = (
            f"expected a chat template of at most {_MOST:,} characters, got {len(source):,} in "
            f"{path}: name a Jinja file, a tokenizer_config.json or a GGUF file that has one, or "
            f"one of {', '.join(FAMILIES)}"
        )
        raise InputError(msg)
    if writes_bos and not bos:
        msg = (
            f"expected a file that says what its first token is, for writes_bos, got {path}: name "
            "a tokenizer_config.json or a GGUF file"
        )
        raise InputError(msg)
    return ChatTemplate(name, source, bos, eos, writes_bos)


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


def _from_json(text: str) -> tuple[str, str, str]:
    """Read a `tokenizer_config.json`; of several templates the one called `default`."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        return "", "", ""
    found = config.get("chat_template")
    if isinstance(found, list):
        named = {item.get("name"): item.get("template") for item in found if isinstance(item, dict)}
        found = named.get("default")
    source = found if isinstance(found, str) else ""
    return source, _token(config.get("bos_token")), _token(config.get("eos_token"))


def _token(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _from_settings(settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """Read the settings of a GGUF file."""
    tokens = settings.get("tokenizer.ggml.tokens")
    names = tokens if isinstance(tokens, list) else []
    found = []
    for name in ("bos", "eos"):
        place = settings.get(f"tokenizer.ggml.{name}_token_id")
        is_known = isinstance(place, int) and 0 <= place < len(names)
        found.append(str(names[int(place or 0)]) if is_known else "")
    return str(settings.get("tokenizer.chat_template") or ""), found[0], found[1]


class _GenerationTag(Extension):
    """Reads `{% generation %}`, by which templates mark the assistant's words, as nothing."""

    tags = {"generation"}  # noqa: RUF012  as jinja2 declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return what stands between the tags."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Keeps a template from code, and from numbers and texts without end."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Multiply small numbers only."""
        small = (int, float)
        if operator == "**" or not (isinstance(left, small) and isinstance(right, small)):
            msg = f"a template may not use {operator} here"
            raise SecurityError(msg)
        return super().call_binop(context, operator, left, right)


def _make_environment() -> Environment:
    environment = _Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_GenerationTag, "jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda _: _SAME_DAY
    environment.globals["range"] = _make_range()
    return environment


def _make_range() -> Callable[..., range]:
    """A `range` that gives out so many numbers and no more, however its loops are nested."""
    left = _MOST

    def limited(*bounds: int) -> range:
        nonlocal left
        found = range(*bounds)
        left -= len(found) + 1
        if left < 0:
            msg = f"a template may loop {_MOST:,} times"
            raise SecurityError(msg)
        return found

    return limited


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _render(template: ChatTemplate, turns: Sequence[Turn], *, add_generation_prompt: bool) -> str:
    written: list[str] = []
    size = 0
    room = _MOST + sum(len(turn["content"]) for turn in turns)
    for piece in (
        _make_environment()
        .from_string(template.source)
        .generate(
            messages=[dict(turn) for turn in turns],
            add_generation_prompt=add_generation_prompt,
            bos_token=template.bos if template.writes_bos else "",
            eos_token=template.eos,
            tools=None,
            documents=None,
        )
    ):
        written.append(piece)
        size += len(piece)
        if size > room:
            msg = f"a template may write {_MOST:,} characters beside its turns"
            raise SecurityError(msg)
    return "".join(written)
