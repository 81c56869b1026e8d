"""What servers that all speak Chat Completions do differently, as data.

A body is written once, in OpenAI's words; `wire_body` turns it into what one server takes.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from schemas.errors import InputError

SchemaField = Literal["response_format", "structured_outputs"]

_LIMIT = "max_tokens"  # the generators' name for the limit of one answer
_NEW_LIMIT = "max_completion_tokens"
#: Body fields behind a yes or no of `Server`.
_FIELDS_OF = {"logprobs": frozenset({"logprobs", "top_logprobs"}), "seed": frozenset({"seed"})}


@dataclass(frozen=True, slots=True)
class ModelRule:
    """What one family of models on a server wants otherwise.

    Attributes:
        prefix: what names of these models start with.
        token_field: name of the limit of one answer; null as the server says.
        refused: body fields these models answer with an error, beside the server's own.
    """

    prefix: str
    token_field: str | None = None
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Server:
    """How one kind of server departs from OpenAI's Chat Completions.

    Attributes:
        name: key in `SERVERS`.
        token_field: name of the limit of one answer.
        json_schema: field that asks for a JSON schema; null where the server knows none.
        json_schema_of_text: the same on `/completions`, where the field holds the bare schema.
        bounds_strings: whether it holds `maxLength` of a schema; elsewhere that is left out, as
            servers that do not know it may refuse the request.
        logprobs: whether it returns log-probabilities of the answer's tokens.
        completions: whether it has the legacy `/completions` beside `/chat/completions`.
        seed: whether it takes a seed; nobody promises the same answer for the same seed.
        batch: whether it has `/files` and `/batches`.
        refused: body fields that it answers with an error or drops with a warning.
        model_rules: families of models that want it otherwise; the first that fits counts.
    """

    name: str
    token_field: str = _LIMIT
    json_schema: SchemaField | None = None
    json_schema_of_text: str | None = None
    bounds_strings: bool = False
    logprobs: bool = True
    completions: bool = True
    seed: bool = True
    batch: bool = False
    refused: frozenset[str] = frozenset()
    model_rules: tuple[ModelRule, ...] = ()


_NOT_WHEN_REASONING_IS_OFF = frozenset(
    {"presence_penalty", "frequency_penalty", "logit_bias", "stop"}
)
# The only temperature that reasoning models take is 1, their default: leaving it out says that.
_NOT_WHILE_REASONING = _NOT_WHEN_REASONING_IS_OFF | {
    "temperature", "top_p", "logprobs", "top_logprobs",
}  # fmt: skip

SERVERS: dict[str, Server] = {
    "openai": Server(
        name="openai",
        json_schema="response_format",
        completions=False,  # its last model for the endpoint was shut down on 2026-09-28
        batch=True,
        model_rules=(
            # Without `reasoning_effort` these do not reason, so they can be sampled.
            ModelRule("gpt-5.1", _NEW_LIMIT, _NOT_WHEN_REASONING_IS_OFF),
            ModelRule("gpt-5.2", _NEW_LIMIT, _NOT_WHEN_REASONING_IS_OFF),
            ModelRule("gpt-5.4", _NEW_LIMIT, _NOT_WHEN_REASONING_IS_OFF),
            # These do: gpt-5, gpt-5.5, gpt-5.6 and everything since.
            ModelRule("gpt-5", _NEW_LIMIT, _NOT_WHILE_REASONING),
            ModelRule("gpt-6", _NEW_LIMIT, _NOT_WHILE_REASONING),
            ModelRule("o1", _NEW_LIMIT, _NOT_WHILE_REASONING),
            ModelRule("o3", _NEW_LIMIT, _NOT_WHILE_REASONING),
            ModelRule("o4", _NEW_LIMIT, _NOT_WHILE_REASONING),
        ),
    ),
    # `guided_json` and its kind are gone since 0.12.
    "vllm": Server(name="vllm", json_schema="structured_outputs"),
    # On `/completions` it drops `response_format` without a word.
    "llamacpp": Server(
        name="llamacpp",
        json_schema="response_format",
        json_schema_of_text="json_schema",
        bounds_strings=True,
    ),
    "ollama": Server(name="ollama", json_schema="response_format", refused=frozenset({"n"})),
    # 5.23 drops what OpenAI has and it has not with a warning; any other field is HTTP 422.
    "transformers": Server(
        name="transformers",
        logprobs=False,
        refused=frozenset(
            {
                "n", "presence_penalty", "reasoning_effort", "response_format",
                "structured_outputs", "top_k",
            }
        ),
    ),
    # An unknown server: what feingold asks of everyone, and nothing that may not be there.
    "generic": Server(name="generic"),
}  # fmt: skip

_SERVER_OF_HOST = {"api.openai.com": "openai"}


def server_for(base_url: str, *, named: str | None) -> Server:
    """Say which kind of server answers at an address.

    Args:
        base_url: endpoint, or `embedded:` or `gguf:` and the hash of the weights.
        named: kind that the recipe names; null to go by the address.

    Raises:
        InputError: if there is no server of that name.
    """
    if named is not None:
        return SERVERS[_known(named, SERVERS, "teacher.server")]
    if base_url.startswith(("embedded:", "gguf:")):
        return SERVERS["llamacpp"]
    return SERVERS[_SERVER_OF_HOST.get(host_of(base_url), "generic")]


def host_of(base_url: str) -> str:
    """Return the host of an address in small letters, "" where there is none.

    Args:
        base_url: endpoint, or `embedded:` or `gguf:` and the hash of the weights.
    """
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:  # an unclosed bracket; the client says so when it connects
        return ""


def left_out(server: Server, *, model: str) -> frozenset[str]:
    """Return the body fields that must not be sent to a model on this server.

    Args:
        server: where it runs.
        model: name as the server knows it.
    """
    off = [fields for flag, fields in _FIELDS_OF.items() if not getattr(server, flag)]
    return server.refused.union(_rule(server, model).refused, *off)


def wire_body(
    body: Mapping[str, Any],
    *,
    model: str,
    server: Server,
    token_field: str | None,
    schema: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the JSON body as one server wants it; the same arguments always give the same.

    Fields keep their order and their place, so that a body nobody has to change stays as it is.
    The legacy endpoint (a body with `prompt`) has only ever known `max_tokens`.

    Args:
        body: request in OpenAI's words, without `model`.
        model: name as the server knows it.
        server: who is asked.
        token_field: name of the limit of one answer; null as the server and its model want it.
        schema: JSON schema of the answer; left out where the server knows no such thing.
    """
    wanted = token_field or _rule(server, model).token_field or server.token_field
    limit = _LIMIT if "prompt" in body else wanted
    unwanted = left_out(server, model=model)
    wire = {
        limit if name == _LIMIT else name: value
        for name, value in {"model": model, **body}.items()
        if name not in unwanted
    }
    if schema is None or "grammar" in wire:
        # A grammar of its own says all; llama.cpp refuses both, or drops one without a word.
        return wire
    asked = dict(schema) if server.bounds_strings else _without_bounds(schema)
    if "prompt" in body and server.json_schema_of_text is not None:
        wire[server.json_schema_of_text] = asked
    elif server.json_schema == "structured_outputs":
        wire["structured_outputs"] = {"json": asked}
    elif server.json_schema == "response_format":
        held = {"name": "reply", "schema": asked, "strict": True}
        wire["response_format"] = {"type": "json_schema", "json_schema": held}
    return wire


def _without_bounds(schema: Any) -> Any:  # noqa: ANN401  JSON
    """Leave `maxLength` out of the strings of a schema."""
    if isinstance(schema, Mapping):
        is_text = schema.get("type") == "string"
        return {
            name: _without_bounds(value)
            for name, value in schema.items()
            if not (is_text and name == "maxLength")
        }
    return [_without_bounds(item) for item in schema] if isinstance(schema, list) else schema


def with_overrides(server: Server, supports: Mapping[str, Any]) -> Server:
    """Return the server as the recipe describes it; what it says holds for every model.

    Args:
        server: from `server_for`.
        supports: fields of `Server` with their values, such as `{"logprobs": False}`.

    Raises:
        InputError: for an unknown field or a value that it cannot take.
    """
    for name, value in supports.items():
        takes, wanted = _OVERRIDES[_known(name, _OVERRIDES, "teacher.supports")]
        if not takes(value):
            msg = f"expected {wanted}, got {value!r} for {name!r} in teacher.supports: correct it"
            raise InputError(msg)
    values = dict(supports)
    if "refused" in values:
        values["refused"] = frozenset(values["refused"])
    changed = replace(server, **values)
    return replace(
        changed, model_rules=tuple(_weaken(rule, supports) for rule in server.model_rules)
    )


def _weaken(rule: ModelRule, supports: Mapping[str, Any]) -> ModelRule:
    """Take back what a rule says about fields that the recipe speaks of."""
    allowed = [fields for flag, fields in _FIELDS_OF.items() if supports.get(flag) is True]
    return ModelRule(
        prefix=rule.prefix,
        token_field=None if "token_field" in supports else rule.token_field,
        refused=frozenset() if "refused" in supports else rule.refused.difference(*allowed),
    )


def _rule(server: Server, model: str) -> ModelRule:
    fitting = (rule for rule in server.model_rules if model.startswith(rule.prefix))
    return next(fitting, ModelRule(""))


def _known(name: str, names: Collection[str], where: str) -> str:
    """Return `name`, or say which one may have been meant."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(sorted(names))}"
    msg = f"expected a known name, got {name!r} in {where}: {hint}"
    raise InputError(msg)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_names(value: object) -> bool:
    is_list = isinstance(value, list | tuple | set | frozenset)
    return is_list and all(isinstance(name, str) for name in value)  # type: ignore[attr-defined]


_TOKEN_FIELDS = (_LIMIT, _NEW_LIMIT)
_SCHEMA_FIELDS = get_args(SchemaField)
_YES_OR_NO = "true or false"
_OVERRIDES: dict[str, tuple[Callable[[object], bool], str]] = {
    "token_field": (_TOKEN_FIELDS.__contains__, " or ".join(_TOKEN_FIELDS)),
    "json_schema": ((*_SCHEMA_FIELDS, None).__contains__, f"{' or '.join(_SCHEMA_FIELDS)} or null"),
    "logprobs": (_is_flag, _YES_OR_NO),
    "completions": (_is_flag, _YES_OR_NO),
    "seed": (_is_flag, _YES_OR_NO),
    "batch": (_is_flag, _YES_OR_NO),
    "refused": (_is_names, "a list of body fields"),
}
