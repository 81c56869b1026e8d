import json
from typing import Any

import pytest

from flows.journal import request_key
from flows.teachers.servers import (
    SERVERS,
    Server,
    host_of,
    left_out,
    server_for,
    wire_body,
    with_overrides,
)
from schemas.errors import InputError

CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Say yes."}],
    "temperature": 0.7,
    "max_tokens": 90,
    "seed": 7,
    "logprobs": True,
}
LEGACY: dict[str, Any] = {
    "prompt": "1.",
    "stop": ["\n"],
    "max_tokens": 30,
    "seed": 7,
    "logprobs": 1,
}
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}
NOT_REASONING = {"presence_penalty", "frequency_penalty", "logit_bias", "stop"}
REASONING = NOT_REASONING | {"temperature", "top_p", "logprobs", "top_logprobs"}
LOCAL = "http://127.0.0.1:8000/v1"


def wire(
    server: str | Server,
    body: dict[str, Any] = CHAT,
    *,
    model: str = "m",
    token_field: str | None = None,
    schema: dict[str, Any] | None = None,
) -> dict[str, Any]:
    asked = SERVERS[server] if isinstance(server, str) else server
    return wire_body(body, model=model, server=asked, token_field=token_field, schema=schema)


@pytest.mark.parametrize(
    ("base_url", "named", "expected"),
    [
        ("https://api.openai.com/v1", None, "openai"),
        ("https://API.OpenAI.com/v1/", None, "openai"),
        ("embedded:0123456789abcdef", None, "llamacpp"),
        (LOCAL, None, "generic"),
        ("https://api.openai.com.example.org/v1", None, "generic"),
        ("http://[::1", None, "generic"),
        ("", None, "generic"),
        (LOCAL, "vllm", "vllm"),
        ("https://api.openai.com/v1", "generic", "generic"),
    ],
)
def test_the_recipe_comes_before_the_address(
    base_url: str, named: str | None, expected: str
) -> None:
    assert server_for(base_url, named=named) is SERVERS[expected]


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("vlm", "did you mean 'vllm'?"),
        ("llama.cpp", "did you mean 'llamacpp'?"),
        ("sglang", "valid are generic, llamacpp, ollama, openai, transformers, vllm"),
    ],
)
def test_an_unknown_server_is_an_error(named: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        server_for(LOCAL, named=named)
    assert str(caught.value) == f"expected a known name, got {named!r} in teacher.server: {hint}"


def test_every_server_knows_its_name() -> None:
    assert {name: server.name for name, server in SERVERS.items()} == {
        name: name for name in ("openai", "vllm", "llamacpp", "ollama", "transformers", "generic")
    }


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        #                json_schema         logprobs completions seed batch
        ("openai", ("response_format", True, False, True, True)),
        ("vllm", ("structured_outputs", True, True, True, False)),
        ("llamacpp", ("response_format", True, True, True, False)),
        ("ollama", ("response_format", True, True, True, False)),
        ("transformers", (None, False, True, True, False)),
        ("generic", (None, True, True, True, False)),
    ],
)
def test_what_a_server_can_do(server: str, expected: tuple[object, ...]) -> None:
    found = SERVERS[server]
    assert (
        found.json_schema,
        found.logprobs,
        found.completions,
        found.seed,
        found.batch,
    ) == expected


@pytest.mark.parametrize("server", ["generic", "llamacpp", "vllm"])
@pytest.mark.parametrize("body", [CHAT, LEGACY])
def test_a_body_nobody_has_to_change_stays_as_it_is(server: str, body: dict[str, Any]) -> None:
    assert list(wire(server, body).items()) == [("model", "m"), *body.items()]


def test_journals_of_earlier_versions_stay_valid() -> None:
    for model in ("gpt-4.1-mini", "gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-3.5-turbo"):
        assert wire("openai", model=model) == {"model": model, **CHAT}
    before = {"model": "m", **{k: v for k, v in CHAT.items() if k != "max_tokens"}}
    before["max_completion_tokens"] = 90
    after = wire("generic", token_field="max_completion_tokens")
    keys = [request_key(LOCAL, "chat/completions", body, 0) for body in (before, after)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("server", "model", "token_field", "expected"),
    [
        ("openai", "gpt-4.1-mini", None, "max_tokens"),
        ("openai", "gpt-4o", None, "max_tokens"),
        ("openai", "gpt-4o-mini", None, "max_tokens"),
        ("openai", "gpt-5", None, "max_completion_tokens"),
        ("openai", "gpt-5-mini-2025-08-07", None, "max_completion_tokens"),
        ("openai", "gpt-5.4-mini", None, "max_completion_tokens"),
        ("openai", "gpt-6-luna", None, "max_completion_tokens"),
        ("openai", "gpt-6.1-terra", None, "max_completion_tokens"),
        ("openai", "o1", None, "max_completion_tokens"),
        ("openai", "o3", None, "max_completion_tokens"),
        ("openai", "o4-mini", None, "max_completion_tokens"),
        # Only OpenAI's own servers know these rules.
        ("generic", "gpt-5", None, "max_tokens"),
        ("vllm", "openai/gpt-oss-20b", None, "max_tokens"),
        # The recipe comes first.
        ("openai", "gpt-5", "max_tokens", "max_tokens"),
        ("generic", "m", "max_completion_tokens", "max_completion_tokens"),
    ],
)
def test_the_limit_has_the_name_the_model_wants(
    server: str, model: str, token_field: str | None, expected: str
) -> None:
    found = wire(server, model=model, token_field=token_field)
    limits = {name: value for name, value in found.items() if name.startswith("max_")}
    assert limits == {expected: 90}


def test_a_renamed_limit_keeps_its_place() -> None:
    found = wire("generic", token_field="max_completion_tokens")
    assert list(found) == [
        "model", "messages", "temperature", "max_completion_tokens", "seed", "logprobs",
    ]  # fmt: skip


@pytest.mark.parametrize("token_field", [None, "max_completion_tokens"])
def test_the_legacy_endpoint_knows_one_limit_only(token_field: str | None) -> None:
    found = wire("vllm", LEGACY, token_field=token_field)
    assert (found["max_tokens"], "max_completion_tokens" in found) == (30, False)


@pytest.mark.parametrize(
    ("server", "model", "expected"),
    [
        ("generic", "m", set()),
        ("vllm", "m", set()),
        ("llamacpp", "m", set()),
        ("ollama", "m", {"n"}),
        ("openai", "gpt-4o", set()),
        (
            "transformers",
            "m",
            {
                "n", "presence_penalty", "reasoning_effort", "response_format",
                "structured_outputs", "top_k", "logprobs", "top_logprobs",
            },
        ),
        ("openai", "gpt-5.1", NOT_REASONING),
        ("openai", "gpt-5.2-2025-12-11", NOT_REASONING),
        ("openai", "gpt-5.4-nano", NOT_REASONING),
        ("openai", "gpt-5", REASONING),
        ("openai", "gpt-5-mini-2025-08-07", REASONING),
        ("openai", "gpt-5.5", REASONING),
        ("openai", "gpt-5.6-luna", REASONING),
        ("openai", "gpt-6.1-sol", REASONING),
        ("openai", "o3", REASONING),
        ("openai", "o4-mini", REASONING),
    ],
)  # fmt: skip
def test_what_is_left_out(server: str, model: str, expected: set[str]) -> None:
    assert left_out(SERVERS[server], model=model) == expected
    everything = {**CHAT, **dict.fromkeys(expected, 1)}
    assert expected.isdisjoint(wire(server, everything, model=model))


def test_a_reasoning_model_still_gets_what_it_takes() -> None:
    assert wire("openai", model="gpt-5-mini", schema=SCHEMA) == {
        "model": "gpt-5-mini",
        "messages": CHAT["messages"],
        "max_completion_tokens": 90,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
        },
    }


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("vllm", {"structured_outputs": {"json": SCHEMA}}),
        ("transformers", {}),
        ("generic", {}),
        *[
            (
                server,
                {
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
                    }
                },
            )
            for server in ("openai", "llamacpp", "ollama")
        ],
    ],
)
def test_a_schema_is_asked_for_as_the_server_wants_it(
    server: str, expected: dict[str, object]
) -> None:
    bare, asked = wire(server), wire(server, schema=SCHEMA)
    assert {name: value for name, value in asked.items() if name not in bare} == expected
    assert list(asked)[: len(bare)] == list(bare)


def test_the_arguments_are_not_changed() -> None:
    body, schema = dict(CHAT), dict(SCHEMA)
    for name in SERVERS:
        first = wire(name, body, model="gpt-5", schema=schema)
        assert wire(name, body, model="gpt-5", schema=schema) == first
    assert (body, schema) == (CHAT, SCHEMA)


@pytest.mark.parametrize(
    ("supports", "name", "expected"),
    [
        ({"json_schema": "response_format"}, "json_schema", "response_format"),
        ({"json_schema": None}, "json_schema", None),
        ({"logprobs": False}, "logprobs", False),
        ({"completions": False}, "completions", False),
        ({"seed": False}, "seed", False),
        ({"batch": True}, "batch", True),
        ({"token_field": "max_completion_tokens"}, "token_field", "max_completion_tokens"),
        ({"refused": ["n", "top_p"]}, "refused", frozenset({"n", "top_p"})),
    ],
)
def test_a_recipe_can_say_otherwise(
    supports: dict[str, object], name: str, expected: object
) -> None:
    changed = with_overrides(SERVERS["generic"], supports)
    assert getattr(changed, name) == expected
    assert SERVERS["generic"] == Server(name="generic")


@pytest.mark.parametrize(
    ("supports", "gone"),
    [
        ({"seed": False}, {"seed"}),
        ({"logprobs": False}, {"logprobs"}),
        ({"refused": ["temperature"]}, {"temperature"}),
        ({}, set()),
    ],
)
def test_what_a_recipe_forbids_is_not_sent(supports: dict[str, object], gone: set[str]) -> None:
    found = wire(with_overrides(SERVERS["generic"], supports))
    assert {"model", *CHAT} - found.keys() == gone


def test_what_a_recipe_says_holds_for_every_model() -> None:
    allowed = with_overrides(SERVERS["openai"], {"logprobs": True})
    assert "logprobs" in wire(allowed, model="gpt-5.5")
    assert "temperature" not in wire(allowed, model="gpt-5.5")
    bare = with_overrides(SERVERS["openai"], {"refused": [], "token_field": "max_tokens"})
    assert wire(bare, model="gpt-5.5") == {"model": "gpt-5.5", **CHAT}


@pytest.mark.parametrize(
    ("supports", "message"),
    [
        (
            {"logprob": False},
            "expected a known name, got 'logprob' in teacher.supports: did you mean 'logprobs'?",
        ),
        (
            {"zzz": 1},
            "expected a known name, got 'zzz' in teacher.supports: valid are batch, completions, "
            "json_schema, logprobs, refused, seed, token_field",
        ),
        (
            {"name": "x"},
            "expected a known name, got 'name' in teacher.supports: valid are batch, completions, "
            "json_schema, logprobs, refused, seed, token_field",
        ),
        (
            {"seed": "no"},
            "expected true or false, got 'no' for 'seed' in teacher.supports: correct it",
        ),
        (
            {"json_schema": True},
            "expected response_format or structured_outputs or null, got True for 'json_schema' "
            "in teacher.supports: correct it",
        ),
        (
            {"token_field": "limit"},
            "expected max_tokens or max_completion_tokens, got 'limit' for 'token_field' in "
            "teacher.supports: correct it",
        ),
        (
            {"refused": "seed"},
            "expected a list of body fields, got 'seed' for 'refused' in teacher.supports: "
            "correct it",
        ),
        (
            {"refused": [1]},
            "expected a list of body fields, got [1] for 'refused' in teacher.supports: correct it",
        ),
    ],
)
def test_a_wrong_override_is_an_error(supports: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_overrides(SERVERS["generic"], supports)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://API.openai.com:443/v1", "api.openai.com"),
        ("http://[::1]:8000/v1", "::1"),
        ("embedded:0123", ""),
        ("http://[::1", ""),
    ],
)
def test_host_of(base_url: str, expected: str) -> None:
    assert host_of(base_url) == expected


def test_llamacpp_takes_a_schema_for_a_text_in_a_field_of_its_own() -> None:
    assert wire("llamacpp", LEGACY, schema=SCHEMA) == {
        **wire("llamacpp", LEGACY),
        "json_schema": SCHEMA,
    }
    asked = wire("llamacpp", CHAT, schema=SCHEMA)
    assert "response_format" in asked
    assert "json_schema" not in asked


@pytest.mark.parametrize("server", list(SERVERS))
def test_a_grammar_and_a_schema_are_never_sent_together(server: str) -> None:
    body = {**CHAT, "grammar": 'root ::= "yes"'}
    assert wire(server, body, schema=SCHEMA) == wire(server, body)


BOUNDED = {
    "type": "object",
    "properties": {"why": {"type": "string", "maxLength": 9}, "maxLength": {"type": "integer"}},
}


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_the_length_of_strings_is_bounded_where_the_server_knows_how(name: str) -> None:
    wire = wire_body(
        {"messages": []}, model="m", server=SERVERS[name], token_field=None, schema=BOUNDED
    )
    assert (json.dumps(wire).count("maxLength") == 2) is (name == "llamacpp")
    assert BOUNDED["properties"]["why"] == {"type": "string", "maxLength": 9}
    if name != "llamacpp" and SERVERS[name].json_schema:
        assert '"maxLength": {"type": "integer"}' in json.dumps(wire)
