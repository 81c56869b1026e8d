"""Renders a chat template in jinja2's sandbox, as transformers does.

A template is a program that comes with a model. It has the few names in reach that transformers
gives it, and no clock; what it may loop over and write has an end.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: Characters of a template, and characters and rounds of loops of one rendering.
LARGEST: Final = 100_000
#: What a template that is broken or does not fit its turns raises.
FAULTS: Final = (
    TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError,
    RecursionError, MemoryError,
)  # fmt: skip
_SAME_DAY: Final = "2026-01-01"


def render_template(
    source: str,
    turns: Sequence[Mapping[str, str]],
    *,
    tokens: Mapping[str, str],
    add_generation_prompt: bool,
) -> str:
    """Return a chat in the words of a template.

    Args:
        source: the template, Jinja; untrusted.
        turns: with `role` and `content`.
        tokens: names such as `bos_token`, with their texts.
        add_generation_prompt: whether an assistant's turn is begun.

    Raises:
        One of `FAULTS`.
    """
    written: list[str] = []
    room = LARGEST + sum(len(turn["content"]) for turn in turns)
    pieces = (
        _make_environment()
        .from_string(source)
        .generate(
            messages=[dict(turn) for turn in turns],
            add_generation_prompt=add_generation_prompt,
            tools=None,
            documents=None,
            **tokens,
        )
    )
    for piece in pieces:
        written.append(piece)
        room -= len(piece)
        if room < 0:
            msg = f"a template may write {LARGEST:,} characters beside its turns"
            raise SecurityError(msg)
    return "".join(written)


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
    left = LARGEST

    def limited(*bounds: int) -> range:
        nonlocal left
        found = range(*bounds)
        left -= len(found) + 1
        if left < 0:
            msg = f"a template may loop {LARGEST:,} times"
            raise SecurityError(msg)
        return found

    return limited


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)
