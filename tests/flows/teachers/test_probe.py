import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.journal import Journal
from flows.teachers.probe import Probing, probe_model, probe_server
from flows.teachers.probe_answers import (
    Answer,
    Trial,
    has_logprobs,
    has_text,
    judge,
    keeps_limit,
    keeps_schema,
    lists_batches,
)
from flows.teachers.resolve import make_teacher
from schemas.recipe import TeacherOptions
from tests.support.fake_teacher import FAULTS, MODEL, FakeTeacher, _Handler

CANARY = "sk-canary-91c7e2ab"
GENERIC = {
    "token_field": "max_tokens", "json_schema": None, "logprobs": True, "seed": True,
    "completions": True, "batch": False,
}  # fmt: skip


class _Listing(_Handler):
    """Answers GET as its teacher says, with the teacher's headers on everything."""

    def do_GET(self) -> None:  # noqa: N802  # the name http.server looks for
        teacher = self.server.teacher
        assert isinstance(teacher, Server)
        path = self.path.removeprefix("/v1").partition("?")[0]
        teacher.got.append(self.path)
        status, data = teacher.lists.get(path, (404, {"error": {"message": "Not Found"}}))
        self._send(status, json.dumps(data))

    def _send(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        teacher = self.server.teacher
        assert isinstance(teacher, Server)
        if teacher.is_parrot:
            key = self.headers["Authorization"]
            text = text.replace("PARROT", key)
            headers = {"x-ratelimit-limit-requests": key}
        super()._send(status, text, {**teacher.sends, **(headers or {})})


def _models(*names: str) -> tuple[int, dict[str, Any]]:
    return 200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


@dataclass
class Server(FakeTeacher):
    """A fake teacher with skills: by default what `generic` promises.

    Attributes:
        keeps: schema fields that it keeps to.
        ignores: token fields that it ignores.
        has_logprobs: whether answers carry log-probabilities where asked for.
        lists: status and body by path of GET; 404 for all others.
        sends: headers of every reply.
        is_parrot: whether it echoes the key, in place of PARROT in bodies and in a header.
        alter: changes good replies.
        got: paths of GET so far.
    """

    keeps: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    has_logprobs: bool = True
    lists: dict[str, tuple[int, Any]] = field(default_factory=lambda: {"/models": _models(MODEL)})
    sends: dict[str, str] = field(default_factory=dict)
    is_parrot: bool = False
    alter: Callable[[dict[str, Any]], None] | None = None
    got: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._server.RequestHandlerClass = _Listing

    def begin(self, path: str, body: dict[str, Any], authorization: str) -> tuple[str | None, Any]:
        fault, reply = super().begin(path, body, authorization)
        choice = reply["choices"][0]
        if self.has_logprobs and body.get("logprobs") is True:
            choice["logprobs"] = {"content": [{"token": "a", "logprob": -0.5}]}
        if self.keeps & set(body):
            choice["message"]["content"] = json.dumps({"pick": _allowed(body)[0]})
            choice["finish_reason"] = "stop"
        if self.ignores & set(body):
            choice["finish_reason"] = "stop"
            reply["usage"] |= {"completion_tokens": 90, "total_tokens": 99}
        if self.alter is not None:
            self.alter(reply)
        return fault, reply


def _allowed(body: Mapping[str, Any]) -> list[str]:
    schema = (
        body["response_format"]["json_schema"]["schema"]
        if "response_format" in body
        else body["structured_outputs"]["json"]
    )
    found: list[str] = schema["properties"]["pick"]["enum"]
    return found


def probed(
    fake: FakeTeacher, home: Path, /, *, all_seconds: float = 20.0, **options: Any
) -> Probing:
    options.setdefault("timeout_seconds", 5)
    with Journal(home) as journal, ExitStack() as stack:
        found = TeacherOptions(base_url=fake.base_url, model=MODEL, **options)
        teacher = make_teacher(found, stack=stack, journal=journal)

        async def run() -> Probing:
            try:
                return await probe_server(teacher, all_seconds=all_seconds)
            finally:
                await teacher.close()

        probing = asyncio.run(run())
        assert journal.totals()["replies"] == 0
    return probing


def details(probing: Probing) -> dict[str, str]:
    return {finding.name: finding.detail for finding in probing.findings}


def unknown(probing: Probing) -> set[str]:
    return {finding.name for finding in probing.findings if not finding.is_known}


def refuse(*fields: str, fault: str = "400") -> Callable[[Mapping[str, Any]], str | None]:
    return lambda body: fault if set(fields) & set(body) else None


# What a server is found to support


def test_a_server_that_does_what_is_assumed_needs_no_line(tmp_path: Path) -> None:
    with Server() as server:
        found = probed(server, tmp_path)
    assert (found.supports, found.lines, unknown(found)) == (GENERIC, (), set())
    assert details(found) == {
        "token_field": "max_tokens obeyed, max_completion_tokens obeyed",
        "json_schema": "response_format ignored, structured_outputs ignored",
        "logprobs": "yes",
        "seed": "yes",
        "completions": "yes",
        "batch": "no, refused (HTTP 404: Not Found)",
        "model": "one of 1 that the server lists",
        "rate_limits": "the server tells none",
    }


BATCHES = {"/batches": (200, {"object": "list", "data": []}), "/models": _models(MODEL)}


@pytest.mark.parametrize(
    ("skills", "expected", "line"),
    [
        (
            {"choose_fault": refuse("logprobs")},
            {"logprobs": False},
            "supports: {logprobs: false}",
        ),
        ({"has_logprobs": False}, {"logprobs": False}, "supports: {logprobs: false}"),
        (
            {"choose_fault": refuse("prompt", fault="404")},
            {"completions": False},
            "supports: {completions: false}",
        ),
        ({"choose_fault": refuse("seed")}, {"seed": False}, "supports: {seed: false}"),
        (
            {"keeps": frozenset({"response_format"})},
            {"json_schema": "response_format"},
            "supports: {json_schema: response_format}",
        ),
        (
            {"keeps": frozenset({"structured_outputs"})},
            {"json_schema": "structured_outputs"},
            "supports: {json_schema: structured_outputs}",
        ),
        (
            {"keeps": frozenset({"response_format", "structured_outputs"})},
            {"json_schema": "response_format"},
            "supports: {json_schema: response_format}",
        ),
        (
            {"choose_fault": refuse("max_tokens")},
            # The legacy endpoint knows no other limit.
            {"token_field": "max_completion_tokens", "completions": False},
            "supports: {token_field: max_completion_tokens, completions: false}",
        ),
        (
            {"ignores": frozenset({"max_tokens"})},
            {"token_field": "max_completion_tokens"},
            "supports: {token_field: max_completion_tokens}",
        ),
        ({"choose_fault": refuse("max_completion_tokens")}, {}, None),
        ({"lists": BATCHES}, {"batch": True}, "supports: {batch: true}"),
        # A server that answers every path alike.
        ({"lists": {"/batches": _models(MODEL), "/models": _models(MODEL)}}, {}, None),
    ],
)
def test_what_differs_becomes_a_line_for_the_recipe(
    skills: dict[str, Any], expected: dict[str, Any], line: str | None, tmp_path: Path
) -> None:
    with Server(**skills) as server:
        found = probed(server, tmp_path)
        assert found.supports == GENERIC | expected
        assert found.lines == (() if line is None else (line,))
        pasted = yaml.safe_load(line or "{}")
        again = probed(server, tmp_path, **pasted)
    assert (again.supports, again.lines) == (found.supports, ())


@pytest.mark.parametrize(
    ("named", "skills", "lines"),
    [
        ("vllm", {"keeps": frozenset({"response_format", "structured_outputs"})}, ()),
        ("vllm", {}, ("supports: {json_schema: null}",)),
        (
            "vllm",
            {"keeps": frozenset({"response_format"})},
            ("supports: {json_schema: response_format}",),
        ),
        ("transformers", {"choose_fault": refuse("logprobs", fault="422")}, ()),
        ("transformers", {}, ("supports: {logprobs: true}",)),
    ],
)
def test_the_named_server_is_what_it_is_held_against(
    named: str, skills: dict[str, Any], lines: tuple[str, ...], tmp_path: Path
) -> None:
    with Server(**skills) as server:
        assert probed(server, tmp_path, server=named).lines == lines


def test_what_the_recipe_says_already_stays_in_the_line(tmp_path: Path) -> None:
    with Server(choose_fault=refuse("logprobs")) as server:
        found = probed(server, tmp_path, supports={"batch": True, "refused": ("top_k",)})
    assert found.lines == ("supports: {batch: false, refused: [top_k], logprobs: false}",)


def test_what_the_recipe_refuses_by_name_stays_refused(tmp_path: Path) -> None:
    with Server() as server:
        found = probed(server, tmp_path, supports={"refused": ("seed",)})
    assert (found.supports["seed"], found.lines) == (True, ())


def test_a_token_field_of_the_recipe_is_corrected_where_it_stands(tmp_path: Path) -> None:
    with Server(choose_fault=refuse("max_completion_tokens", "logprobs")) as server:
        found = probed(server, tmp_path, token_field="max_completion_tokens")
    assert found.lines == ("token_field: max_tokens", "supports: {logprobs: false}")


def test_the_other_probes_use_the_token_field_that_works(tmp_path: Path) -> None:
    with Server(choose_fault=refuse("max_tokens")) as server:
        probed(server, tmp_path)
        chats = [item.body for item in server.received if "messages" in item.body]
    assert [name for body in chats[2:] for name in body if name.startswith("max_")] == [
        "max_completion_tokens"
    ] * 4


def test_a_field_that_is_only_accepted_is_better_than_one_that_is_refused(tmp_path: Path) -> None:
    def stop_early(reply: dict[str, Any]) -> None:
        reply["choices"][0]["finish_reason"] = "stop"
        reply["usage"] |= {"completion_tokens": 2, "total_tokens": 3}

    with Server(choose_fault=refuse("max_tokens"), alter=stop_early) as server:
        found = probed(server, tmp_path)
    assert found.supports["token_field"] == "max_completion_tokens"
    assert details(found)["token_field"] == (
        "max_tokens refused (HTTP 400: scripted 400), "
        "max_completion_tokens unclear (the answer was shorter than the limit)"
    )


# What cannot be told


@pytest.mark.parametrize("fault", ["429", "500", "503", "401", "403", "reset", "truncated", "html"])
def test_a_bad_moment_says_nothing_about_a_field(fault: str, tmp_path: Path) -> None:
    with Server(choose_fault=refuse("logprobs", fault=fault)) as server:
        found = probed(server, tmp_path)
    assert (unknown(found), found.lines) == ({"logprobs"}, ())
    assert "logprobs" not in found.supports


@pytest.mark.parametrize("fault", ["400", "404", "429", "500", "html", "empty", "reset"])
def test_where_no_chat_is_accepted_a_refusal_says_nothing(fault: str, tmp_path: Path) -> None:
    with Server(always=fault) as server:
        found = probed(server, tmp_path)
        assert [len(server.received), server.got] == [2, ["/v1/batches?limit=1", "/v1/models"]]
    assert (found.supports, found.lines) == ({"batch": False}, ())


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_stops_the_probing(fault: str, tmp_path: Path) -> None:
    with Server(always=fault, hang_seconds=0.05) as server:
        found = probed(server, tmp_path)
    assert found.lines == ()


def test_one_hanging_probe_costs_its_time_only(tmp_path: Path) -> None:
    hang = refuse("structured_outputs", fault="hang")
    with Server(choose_fault=hang, keeps=frozenset({"response_format"})) as server:
        started = time.monotonic()
        found = probed(server, tmp_path, timeout_seconds=0.5)
        seconds = time.monotonic() - started
    assert seconds < 5
    assert found.supports == GENERIC | {"json_schema": "response_format"}
    assert details(found)["json_schema"] == (
        "response_format obeyed, structured_outputs unclear (no reply within 0.5 s)"
    )
    assert not found.is_bill_whole


def test_all_probes_together_have_a_limit(tmp_path: Path) -> None:
    with Server(choose_fault=refuse("response_format", fault="hang")) as server:
        started = time.monotonic()
        found = probed(server, tmp_path, all_seconds=1.0)
        seconds = time.monotonic() - started
    assert seconds < 4
    assert found.lines == ()
    assert set(found.supports) == {"token_field"}
    assert details(found)["seed"] == "unclear (not asked: the other probes took too long)"


# Models, rate limits, money


@pytest.mark.parametrize(
    ("listed", "detail"),
    [
        ((MODEL, "other"), "one of 2 that the server lists"),
        (
            ("fake-teacher-2b", "other"),
            "'fake-teacher' is not among the 2 that the server lists: did you mean "
            "'fake-teacher-2b'?",
        ),
        (("q",), "'fake-teacher' is not among the 1 that the server lists"),
    ],
)
def test_the_model_is_looked_up(listed: tuple[str, ...], detail: str, tmp_path: Path) -> None:
    with Server(lists={"/models": _models(*listed)}) as server:
        found = probed(server, tmp_path)
    assert details(found)["model"] == detail
    assert found.lines == ()


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        ((404, {"error": "no such path"}), "HTTP 404: no such path"),
        ((200, {"data": None}), "the answer is no list of models"),
        ((200, ["x"]), "the answer is no list of models"),
        ((200, {"data": [None, {"id": 3}]}), f"{MODEL!r} is not among the 0 that the server lists"),
    ],
)
def test_any_list_of_models_is_taken(reply: tuple[int, Any], detail: str, tmp_path: Path) -> None:
    with Server(lists={"/models": reply}) as server:
        assert details(probed(server, tmp_path))["model"] == detail


def test_rate_limits_are_shown(tmp_path: Path) -> None:
    sends = {
        "X-RateLimit-Limit-Requests": "500",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-other": "1",
    }
    with Server(sends=sends) as server:
        found = details(probed(server, tmp_path))
    assert found["rate_limits"] == "limit-requests 500, reset-tokens 6m0s"


def test_the_probing_is_small_and_its_tokens_are_counted(tmp_path: Path) -> None:
    with Server() as server:
        found = probed(server, tmp_path)
        bodies = [item.body for item in server.received]
        prompt = sum(item.prompt_tokens for item in server.received)
        completion = sum(item.completion_tokens for item in server.received)
    limits = [body.get("max_tokens") or body["max_completion_tokens"] for body in bodies]
    assert limits == [16, 16, 40, 40, 16, 16, 16]
    assert found.requests == 9
    assert (found.usage.prompt, found.usage.completion) == (prompt, completion)
    assert found.is_bill_whole


def test_a_bill_that_is_not_told_is_noted(tmp_path: Path) -> None:
    with Server(always="no_usage") as server:
        found = probed(server, tmp_path)
    assert (found.usage.prompt, found.is_bill_whole) == (0, False)


# The key


def test_the_key_never_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_KEY", CANARY)
    lists = {
        "/models": _models("PARROT", f"{MODEL} PARROT"),
        "/batches": (400, {"error": {"message": "no batches for PARROT " * 9}}),
    }

    def parrot(reply: dict[str, Any]) -> None:
        choice = reply["choices"][0]
        choice |= {"text": "PARROT"} if "text" in choice else {"message": {"content": "PARROT"}}

    with Server(is_parrot=True, lists=lists) as server:
        shown = repr(probed(server, tmp_path, api_key_env="PROBE_KEY"))
        assert {item.authorization for item in server.received} == {f"Bearer {CANARY}"}
    with Server(is_parrot=True, alter=parrot, lists={"/models": (500, ["PARROT"])}) as server:
        shown += repr(probed(server, tmp_path, api_key_env="PROBE_KEY"))
    assert "[key removed]" in shown
    assert CANARY not in shown
    assert CANARY[:-4] not in shown


def test_what_a_server_says_is_one_printable_line(tmp_path: Path) -> None:
    said = {"error": {"message": "a\x1b[31m\nred \u202e word \ud800" + "x" * 400}}
    with Server(lists={"/models": (500, said), "/batches": (404, said)}) as server:
        found = details(probed(server, tmp_path))
    assert found["model"].startswith("HTTP 500: a?[31m red ? word ?xxx")
    assert found["model"].isprintable()
    assert len(found["batch"]) < 200


def test_the_list_of_models_can_be_asked_alone(tmp_path: Path) -> None:
    with Server(lists={"/models": _models("fake-teacher-2b")}) as server, ExitStack() as stack:
        journal = stack.enter_context(Journal(tmp_path))
        options = TeacherOptions(base_url=server.base_url, model=MODEL)
        teacher = make_teacher(options, stack=stack, journal=journal)

        async def run() -> str:
            try:
                return (await probe_model(teacher)).detail
            finally:
                await teacher.close()

        assert asyncio.run(run()).endswith("did you mean 'fake-teacher-2b'?")
        assert server.received == []


# Judging single answers


def chat(text: object, *, finish: str = "stop", tokens: int | None = None, **more: Any) -> Answer:
    choice = {"message": {"content": text}, "finish_reason": finish, **more}
    usage = {} if tokens is None else {"prompt_tokens": 1, "completion_tokens": tokens}
    return Answer(200, {"choices": [choice], "usage": usage})


NO_ROOM = Answer(
    400, {}, "HTTP 400: Could not finish the message because max_tokens or model output limit was "
    "reached. Please try again with higher max_tokens.",
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (chat('{"pick": "zorvex"}'), "obeyed"),
        (chat(' {\n "pick" : "quilmabo"\n}\n'), "obeyed"),
        (chat('{"pick": "yes"}'), "ignored"),
        (chat('{"pick": "zorvex", "more": 1}'), "ignored"),
        (chat('```json\n{"pick": "zorvex"}\n```'), "ignored"),
        (chat('["pick"]'), "ignored"),
        (chat("Yes."), "ignored"),
        (chat('{"tasks": [', finish="length"), "ignored"),
        (chat('{ "pi', finish="length"), "unclear"),
        (chat('{ "pi'), "ignored"),
        (chat("<think>Hm", finish="length"), "unclear"),
        (chat(None, finish="length"), "unclear"),
        (chat("  "), "unclear"),
        (NO_ROOM, "unclear"),
        (Answer(400, {}, "HTTP 400: unknown field"), "refused"),
        (Answer(502, {}, "HTTP 502"), "unclear"),
        (Answer(0, {}, "no reply"), "unclear"),
        (Answer(200, {"error": "upstream"}), "unclear"),
        (Answer(200, {"choices": ["x"]}), "unclear"),
        (Answer(200, {"choices": [{"message": "x"}]}), "unclear"),
    ],
)
def test_a_schema_counts_only_where_it_is_kept(answer: Answer, state: str) -> None:
    assert judge(answer, keeps_schema).state == state


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (chat("1", finish="length", tokens=16), "obeyed"),
        (chat("1", finish="length"), "obeyed"),
        (chat("1", tokens=17), "obeyed"),
        (chat("1", tokens=19), "ignored"),
        (chat("1", finish="length", tokens=512), "ignored"),
        (chat("1", tokens=15), "unclear"),
        (chat("1"), "unclear"),
        (NO_ROOM, "obeyed"),
    ],
)
def test_a_limit_counts_only_where_it_is_obeyed(answer: Answer, state: str) -> None:
    assert judge(answer, keeps_limit).state == state


@pytest.mark.parametrize(
    ("found", "text", "state"),
    [
        ({"content": [{"logprob": -1}, {"logprob": -0.25}]}, "a", "obeyed"),
        ({"content": [{"logprob": None}]}, "a", "ignored"),
        ({"content": []}, "a", "ignored"),
        ({"content": None}, "a", "ignored"),
        ({"content": [7]}, "a", "ignored"),
        (None, "a", "ignored"),
        ("x", "a", "ignored"),
        (None, "", "unclear"),
    ],
)
def test_logprobs_count_only_where_they_can_be_read(found: object, text: str, state: str) -> None:
    assert judge(chat(text, logprobs=found), has_logprobs).state == state


@pytest.mark.parametrize(
    ("choice", "state"),
    [({"text": ""}, "obeyed"), ({"text": None}, "unclear"), ({"message": {}}, "refused")],
)
def test_a_completion_has_a_text(choice: dict[str, Any], state: str) -> None:
    assert judge(Answer(200, {"choices": [choice]}), has_text).state == state


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, {"data": []}), Trial("obeyed")),
        (Answer(200, {"data": [{"object": "batch"}]}), Trial("obeyed")),
        (Answer(200, {"data": [1]}), Trial("refused", "the reply is no list of batches")),
        (Answer(200, {}), Trial("refused", "the reply is no list of batches")),
        (Answer(405, {}, "HTTP 405"), Trial("refused", "HTTP 405")),
        (Answer(403, {}, "HTTP 403"), Trial("unclear", "HTTP 403")),
    ],
)
def test_batches_are_known_by_their_list(answer: Answer, expected: Trial) -> None:
    assert lists_batches(answer) == expected
