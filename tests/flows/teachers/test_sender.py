"""One attempt: how it ended, whether it may be billed, and that our key does not come back."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.teachers import client as client_module
from flows.teachers.replies import Usage
from flows.teachers.resolve import teacher_options
from flows.teachers.sender import Connection, Outcome, Sender, judge_body, refusal
from schemas.errors import InputError
from schemas.recipe import TeacherOptions, parse_recipe
from tests.flows.teachers.test_panel import ask, dead_url, opened, question, questions
from tests.support.fake_teacher import MODEL, FakeTeacher

_TLS = ssl.create_default_context()
KEY = "sk-canary-a94c07e1"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Why? Weil’s so ist 🙂"}]}
OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off a thousand times faster, and read the certificates, unused here, once."""
    real = client_module._wait_seconds
    monkeypatch.setattr(client_module, "_wait_seconds", lambda *given: real(*given) / 1000)
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: _TLS)


def send(base_url: str, *, key: str = KEY, timeout: float = 5, tokens: int = 1) -> Outcome:
    """Make one attempt."""

    async def attempt() -> Outcome:
        sender = Sender(Connection(base_url, key), timeout_seconds=timeout, most=2)
        try:
            return await sender.send(
                "chat/completions", json.dumps(BODY, ensure_ascii=False), tokens=tokens
            )
        finally:
            await sender.close()

    return asyncio.run(attempt())


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """A server that reads a request, says these bytes and hangs up; return its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65_536)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.close()
        thread.join(5)


def body(text: str, *, headers: str = "") -> bytes:
    """A good answer with this body."""
    data = text.encode()
    return f"{OK}{headers}Content-Length: {len(data)}\r\n\r\n".encode() + data


# Classes of errors


@pytest.mark.parametrize(
    ("status", "passes", "is_overload", "is_rate_limit"),
    [
        (400, False, False, False),
        (401, False, False, False),
        (402, False, False, False),
        (403, False, False, False),
        (404, False, False, False),
        (408, True, False, False),
        (409, True, False, False),
        (413, False, False, False),
        (422, False, False, False),
        (429, True, True, True),
        (500, True, False, False),
        (502, True, False, False),
        (503, True, True, False),
        (504, True, False, False),
        (520, True, False, False),
        (529, True, True, False),
    ],
)
def test_a_status_says_how_an_attempt_ended(
    teacher: FakeTeacher, status: int, passes: bool, is_overload: bool, is_rate_limit: bool
) -> None:
    teacher.always = str(status)
    found = send(teacher.base_url)
    assert (found.status, found.kind) == (status, f"http_{status}")
    assert (found.is_passing_fault, found.is_overload, found.is_rate_limit) == (
        passes, is_overload, is_rate_limit,
    )  # fmt: skip
    assert found.is_lost is False
    assert found.usage is None
    assert found.error.startswith(f'HTTP {status}: {{"error": {{"message": "scripted {status}"')
    assert json.loads(found.body)["error"]["code"] == str(status)
    assert found.wait_seconds == (0.01 if status == 429 else None)


def test_an_account_without_credit_will_not_have_it_in_a_minute(teacher: FakeTeacher) -> None:
    teacher.always = "429:insufficient_quota"
    found = send(teacher.base_url)
    assert (found.status, found.kind) == (429, "http_429")
    assert (found.is_passing_fault, found.is_rate_limit) == (False, False)


@pytest.mark.parametrize(
    ("fault", "status", "kind", "passes", "is_lost"),
    [
        (None, 200, "", False, False),
        ("no_usage", 200, "", False, False),
        ("length", 200, "", False, False),
        ("filtered", 200, "", False, False),
        ("empty", 200, "", False, False),
        ("null", 200, "", False, False),
        ("html", 200, "unparsable", True, False),
        ("truncated", 200, "unparsable", True, False),
        ("reset", 0, "connection", True, True),
        ("cut", 0, "connection", True, True),
        ("hang", 0, "timeout", True, True),
    ],
)
def test_a_fault_says_how_an_attempt_ended(
    teacher: FakeTeacher, fault: str | None, status: int, kind: str, passes: bool, is_lost: bool
) -> None:
    teacher.always = fault
    found = send(teacher.base_url, timeout=0.3 if fault == "hang" else 5)
    assert (found.status, found.kind) == (status, kind)
    assert (found.is_passing_fault, found.is_lost) == (passes, is_lost)
    assert found.is_overload is (kind == "timeout")
    assert (found.error == "") is (kind == "")
    has_bill = fault in (None, "length", "filtered", "empty", "null")
    assert (found.usage is not None) is has_bill
    assert found.seconds > 0


def test_a_good_answer_comes_with_its_bill(teacher: FakeTeacher) -> None:
    found = send(teacher.base_url)
    received = teacher.received[0]
    assert found.usage == Usage(received.prompt_tokens, received.completion_tokens)
    assert (received.path, received.body) == ("/v1/chat/completions", BODY)
    assert received.authorization == f"Bearer {KEY}"
    assert (found.wait_seconds, found.is_lost, found.error) == (None, False, "")


def test_what_no_one_took_was_never_sent() -> None:
    found = send(dead_url())
    assert (found.status, found.kind, found.is_lost) == (0, "connection", False)
    assert found.is_passing_fault
    assert "Cannot connect to host 127.0.0.1" in found.error


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "connection"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection"),
        (f"{OK}Content-Length: 100\r\n\r\n{{".encode(), "connection"),
        (f'{OK}Transfer-Encoding: chunked\r\n\r\n5\r\n{{"cho'.encode(), "connection"),
        (body("no gzip", headers="Content-Encoding: gzip\r\n"), "connection"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "unparsable"),
        (body("[" * 100_000), "unparsable"),
        (body('{"choices": 3}'), "unparsable"),
        (body("[1, 2]"), "unparsable"),
        (body("null"), "unparsable"),
        (body(""), "unparsable"),
        (OK.encode() + b"Content-Length: 2\r\n\r\n\xff\xfe", "unparsable"),
    ],
)
def test_nothing_that_a_server_says_is_a_crash(answer: bytes, kind: str) -> None:
    with saying(answer) as url:
        found = send(url)
    assert (found.kind, found.is_passing_fault) == (kind, True)
    assert found.is_lost is (kind == "connection")
    assert "\n" not in found.error
    assert len(found.error) < 300


@pytest.mark.parametrize(
    "answer",
    [b"hello\r\n\r\n", f"{OK}X-Long: {'y' * 9_000}\r\nContent-Length: 2\r\n\r\n{{}}".encode()],
)
def test_what_is_no_http_is_a_lost_reply(answer: bytes) -> None:
    with saying(answer) as url:
        found = send(url)
    assert (found.status, found.kind, found.is_lost) == (0, "connection", True)


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}\r\n", KEY])
def test_a_line_end_is_no_part_of_a_key(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with opened(tmp_path, teacher.options()) as panel:
        ask(panel, [question(0)])
    assert [item.authorization for item in teacher.received] == [f"Bearer {KEY}"]


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY}é", f"key: {KEY}", f"{KEY}\x07"])
def test_what_is_no_key_is_refused_without_showing_it(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with (
        opened(tmp_path, teacher.options()) as panel,
        pytest.raises(InputError, match=r"expected a key in \$OPENAI_API_KEY, ") as caught,
    ):
        ask(panel, [question(0)])
    assert KEY not in repr(caught.value)
    assert teacher.received == []


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_no_key_is_fine_for_a_local_server(
    teacher: FakeTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with opened(tmp_path, teacher.options()) as panel:
        assert ask(panel, [question(0)])[0].error is None
    assert [item.authorization for item in teacher.received] == ["Bearer none"]


@given(st.integers(400, 599), st.text(max_size=400))
def test_any_refusal_is_one_short_line(status: int, text: str) -> None:
    found = refusal(status, text)
    assert found.error.startswith(f"HTTP {status}: ")
    assert "\n" not in found.error
    assert len(found.error) <= 220
    assert (found.status, found.body) == (status, text)


_leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_json = (
    _leaf | st.lists(_leaf, max_size=3) | st.dictionaries(st.text(max_size=5), _leaf, max_size=3)
)


@given(
    st.one_of(
        st.text(),
        _json.map(json.dumps),
        st.builds(
            lambda choices, usage: json.dumps({"choices": choices, "usage": usage}),
            st.lists(_json, max_size=2),
            st.one_of(
                _json,
                st.fixed_dictionaries({"prompt_tokens": _json, "completion_tokens": st.integers()}),
            ),
        ),
    )
)
def test_any_body_is_judged(text: str) -> None:
    found = judge_body(text)
    assert found.status == 200
    assert found.kind in ("", "unparsable")
    assert (found.kind == "unparsable") is found.is_passing_fault
    if found.usage is not None:
        assert min(found.usage.prompt, found.usage.completion) >= 0


# Our key


@pytest.mark.parametrize("fault", [None, "400", "401", "429", "500", "html"])
def test_a_key_that_a_server_repeats_is_taken_out(teacher: FakeTeacher, fault: str | None) -> None:
    teacher.always, teacher.echoes_key = fault, True
    found = send(teacher.base_url)
    assert teacher.received[0].authorization == f"Bearer {KEY}"
    assert "Bearer [key removed]" in found.body
    assert KEY not in repr(found) + found.body + found.error


def test_a_key_in_a_body_that_is_cut_off_is_taken_out() -> None:
    with saying(f"{OK}Content-Length: 999\r\n\r\nBearer {KEY}".encode()) as url:
        found = send(url)
    assert KEY not in repr(found) + found.body


@pytest.mark.parametrize("word", ["none", "sk-1234"])
def test_a_word_that_stands_for_no_key_stays_in_an_answer(teacher: FakeTeacher, word: str) -> None:
    teacher.echoes_key = True
    found = send(teacher.base_url, key=word)
    assert f"Bearer {word}" in found.body


def test_a_key_does_not_follow_a_redirect_to_another_host(teacher: FakeTeacher) -> None:
    elsewhere = teacher.base_url.replace("127.0.0.1", "localhost") + "/chat/completions"
    head = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
    with saying(head.encode()) as url:
        send(url)
    assert [item.authorization for item in teacher.received] == [""]


def test_nothing_that_holds_a_key_shows_it() -> None:
    assert KEY not in repr(Connection("http://127.0.0.1:9/v1", KEY))

    async def make() -> Sender:
        sender = Sender(Connection("http://127.0.0.1:9/v1", KEY), timeout_seconds=1, most=1)
        await sender.close()
        return sender

    sender = asyncio.run(make())
    assert KEY not in repr(sender) + str(sender) + repr(sender.client)


# A password in the address


def refuse(teacher: Mapping[str, Any]) -> str:
    """The line with which a recipe with this teacher is refused."""
    with pytest.raises(InputError) as caught:
        parse_recipe({"name": "set", "teacher": teacher}, where="r.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:canary@teacher.example/v1",
        "http://canary@127.0.0.1:8000/v1",
        "https://me:canary@teacher.example",
        "https://me:canary?x@teacher.example/v1",
        f"https://me:{'canary' * 20}@teacher.example/v1",
        "me:canary@teacher.example/v1",
        "https:/me:canary@teacher.example/v1",
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(url: str) -> None:
    line = refuse({"base_url": url, "model": "m"})
    assert line.startswith("expected an address without user and password")
    assert "'teacher.base_url' in r.yaml" in line
    assert "canary" not in line


def test_an_address_with_a_password_is_refused_in_a_list_too() -> None:
    one = {"base_url": "https://teacher.example/v1", "model": "m"}
    two = {**one, "base_url": "https://me:canary@teacher.example/v1"}
    with pytest.raises(InputError) as caught:
        parse_recipe({"name": "set", "teacher": [one, two]}, where="r.yaml")
    assert "'teacher.1.base_url' in r.yaml" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_an_address_with_a_password_is_refused_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:canary@teacher.example/v1")
    with pytest.raises(InputError) as caught:
        teacher_options(TeacherOptions())
    assert "canary" not in str(caught.value)


def test_a_key_in_place_of_its_variable_is_refused_without_showing_it() -> None:
    line = refuse({"base_url": "https://teacher.example/v1", "model": "m", "api_key_env": KEY})
    assert KEY not in line


def test_many_attempts_use_few_connections(teacher: FakeTeacher, tmp_path: Path) -> None:
    teacher.latency_seconds = 0.01
    with opened(tmp_path, teacher.options(max_in_flight=5)) as panel:
        ask(panel, questions(40))
    assert teacher.in_flight_max <= 5
