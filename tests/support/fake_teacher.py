"""A teacher on loopback: OpenAI's two completion endpoints, deterministic, with faults on demand.

The reply is a function of the request body and of nothing else. Runs in the process of a test:

    with FakeTeacher(latency_seconds=0.02) as teacher:
        teacher.base_url

or as a process of its own (`python -m tests.support.fake_teacher --help`), which prints its base
URL, writes a line of JSON for every request to `--log`, and ends when its stdin closes.
"""

import argparse
import hashlib
import json
import random
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

MODEL = "fake-teacher"
RETRY_AFTER_SECONDS = 0.01

#: Faults that a script may name. A number is an HTTP status; `429:insufficient_quota` names the
#: code of its error, too.
FAULTS = (
    "429", "400", "401", "403", "404", "500", "503",
    "reset",  # the connection is torn down without a reply
    "cut",  # the connection ends in the middle of a reply
    "hang",  # no reply within `hang_seconds`
    "html",  # 200 with a proxy's page
    "truncated",  # 200 with half of the JSON
    "empty",  # no choices
    "null",  # content is null
    "length",  # the token limit cut the answer
    "filtered",  # a content filter took the answer
    "no_usage",  # good, but the bill is not told
)  # fmt: skip

_HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came.

    Attributes:
        path: below the host.
        body: decoded JSON.
        authorization: the header, "" where there is none.
        fault: what went wrong with the answer, null where nothing did.
        prompt_tokens: what a server would bill.
        completion_tokens: likewise.
        at: seconds on the monotonic clock.
        in_flight: requests under way, this one included.
    """

    path: str
    body: dict[str, Any]
    authorization: str
    fault: str | None
    prompt_tokens: int
    completion_tokens: int
    at: float
    in_flight: int = 1

    @property
    def key(self) -> str:
        """The same for requests that ask the same."""
        return json.dumps([self.path, self.body], sort_keys=True)


@dataclass
class FakeTeacher:
    """The server; a context manager.

    Attributes:
        latency_seconds: how long every answer takes.
        script: faults of the first requests, in order of arrival; null means none.
        always: fault of every request that the script does not cover.
        choose_fault: fault by request body, where neither says anything.
        choose_latency: seconds by request body that an answer takes beyond `latency_seconds`; may
            block, to wait for something else.
        choose_headers: headers of an answer, by request body and fault; null gives those with
            status 429 a `Retry-After`.
        capacity: requests at once, beyond which one more is refused with 429, without latency;
            null means no end.
        echoes_key: whether every answer repeats the authorization header.
        hang_seconds: how long a hanging request hangs.
        received: the requests so far.
        in_flight_max: most requests that were under way at once.
    """

    latency_seconds: float = 0.0
    script: Iterable[str | None] = ()
    always: str | None = None
    choose_fault: Callable[[Mapping[str, Any]], str | None] | None = None
    choose_latency: Callable[[Mapping[str, Any]], float] | None = None
    choose_headers: Callable[[Mapping[str, Any], str | None], Mapping[str, str]] | None = None
    capacity: int | None = None
    echoes_key: bool = False
    hang_seconds: float = 30.0
    log: Path | None = None
    received: list[Received] = field(default_factory=list)
    in_flight_max: int = 0

    def __post_init__(self) -> None:
        self._in_flight = 0
        self._lock = threading.Lock()
        self._script = iter(list(self.script))
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.teacher = self

    @property
    def base_url(self) -> str:
        """What a recipe names."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        # Polling is the pace of `shutdown` only.
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def options(self, **more: object) -> dict[str, Any]:
        """The `teacher:` of a recipe that asks this server."""
        return {"base_url": self.base_url, "model": MODEL, **more}

    def begin(self, path: str, body: dict[str, Any], authorization: str) -> tuple[str | None, Any]:
        """Note a request; return its fault and its good reply."""
        reply = good_reply(path, body)
        usage = reply["usage"]
        with self._lock:
            self._in_flight += 1
            in_flight = self._in_flight
            self.in_flight_max = max(self.in_flight_max, in_flight)
            fault = next(self._script, self.always)
            if self.capacity is not None and in_flight > self.capacity:
                fault = "429"
        if fault is None and self.choose_fault is not None:
            fault = self.choose_fault(body)
        with self._lock:
            is_billed = fault is None or not (_is_status(fault) or fault == "reset")
            prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
            found = Received(
                path,
                body,
                authorization,
                fault,
                prompt if is_billed else 0,
                completion if is_billed else 0,
                time.monotonic(),
                in_flight,
            )
            self.received.append(found)
            if self.log is not None:
                with self.log.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps({"path": path, "body": body, "fault": fault}) + "\n")
        return fault, reply

    def end(self) -> None:
        """Note that a request is answered."""
        with self._lock:
            self._in_flight -= 1

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the life of the server."""
        self._stopped.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    teacher: FakeTeacher

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def do_GET(self) -> None:
        self._send(200, json.dumps({"object": "list", "data": [{"id": MODEL}]}))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        teacher = self.server.teacher
        authorization = self.headers.get("Authorization", "")
        body = json.loads(text)
        fault, reply = teacher.begin(self.path, body, authorization)
        headers: Mapping[str, str] = {}
        if teacher.choose_headers is not None:
            headers = teacher.choose_headers(body, fault)
        elif fault is not None and fault.startswith("429"):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        try:
            if fault != "429" or teacher.capacity is None:
                teacher.sleep(teacher.latency_seconds)
            if teacher.choose_latency is not None:
                teacher.sleep(teacher.choose_latency(body))
            self._answer(fault, reply, headers)
        finally:
            teacher.end()

    def _answer(self, fault: str | None, reply: dict[str, Any], headers: Mapping[str, str]) -> None:
        teacher = self.server.teacher
        echo = f" {self.headers.get('Authorization', '')}" if teacher.echoes_key else ""
        if echo:
            _append(reply["choices"][0], echo)
        if fault is None:
            self._send(200, json.dumps(reply), headers)
        elif _is_status(fault):
            status, _, code = fault.partition(":")
            message = f"scripted {status}{echo}"
            error = {"error": {"message": message, "type": "scripted", "code": code or status}}
            self._send(int(status), json.dumps(error), headers)
        elif fault == "reset":
            self._reset()
        elif fault == "hang":
            teacher.sleep(teacher.hang_seconds)
            self._reset()
        elif fault == "cut":
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self._reset()
        else:
            self._send(200, _spoil(fault, reply) + (echo if fault == "html" else ""), headers)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def _is_status(fault: str) -> bool:
    return fault.partition(":")[0].isdigit()


def _append(choice: dict[str, Any], text: str) -> None:
    """Add to the text of an answer."""
    if "message" in choice:
        choice["message"]["content"] += text
    else:
        choice["text"] += text


def _spoil(fault: str, reply: dict[str, Any]) -> str:
    """A reply with status 200 that is not what it should be."""
    choice = reply["choices"][0]
    if fault == "html":
        return _HTML
    if fault == "truncated":
        text = json.dumps(reply)
        return text[: len(text) // 2]
    if fault == "no_usage":
        del reply["usage"]
    elif fault == "empty":
        reply["choices"] = []
    elif fault == "length":
        choice["finish_reason"] = "length"
    elif fault in ("null", "filtered"):
        if "message" in choice:
            choice["message"]["content"] = None
        else:
            choice["text"] = None
        if fault == "filtered":
            choice["finish_reason"] = "content_filter"
    else:
        msg = f"expected one of {FAULTS}, got {fault!r}"
        raise ValueError(msg)
    return json.dumps(reply)


def good_reply(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The reply to a request: a function of its body alone."""
    canonical = json.dumps(body, sort_keys=True)
    digest = hashlib.sha256(f"{path} {canonical}".encode()).hexdigest()
    is_chat = path.endswith("/chat/completions")
    prompt = (
        "\n".join(str(turn.get("content") or "") for turn in body.get("messages", ()))
        if is_chat
        else str(body.get("prompt", ""))
    )
    words = _write(prompt, body, random.Random(digest), is_chat=is_chat)
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or 16
    tokens = re.findall(r"\s*\S+", words)
    is_cut = len(tokens) > limit
    text = "".join(tokens[:limit]) if is_cut else words
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if is_cut else "stop"}
    choice |= {"message": {"role": "assistant", "content": text}} if is_chat else {"text": text}
    prompt_tokens, completion_tokens = len(prompt.split()) + 8, min(len(tokens), limit)
    return {
        "id": f"fake-{digest[:12]}",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": 0,
        "model": body.get("model", MODEL),
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _write(prompt: str, body: Mapping[str, Any], rng: random.Random, *, is_chat: bool) -> str:
    """Tasks where the prompt asks for tasks, else an answer."""
    wants_json = "response_format" in body or '"instruction"' in prompt
    asked = re.findall(r"\b(\d+)\b[^.\n]{0,40}\btasks?\b", prompt)
    count = min(int(asked[-1]), 50) if asked else 8  # examples are counted before the new ones
    if is_chat and wants_json:
        proposed = [{"instruction": task, "input": ""} for task in _tasks(rng, count)]
        return json.dumps({"tasks": proposed})
    if not is_chat:
        numbers = [int(number) for number in re.findall(r"(?m)^(\d+)\.", prompt)]
        first = max(numbers, default=0)
        tasks = _tasks(rng, count)
        lines = [f" {tasks[0]}"] + [
            f"{first + place}. {task}" for place, task in enumerate(tasks[1:], start=1)
        ]
        return "\n".join(lines)
    return _answer_text(prompt, rng)


def _tasks(rng: random.Random, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        thing, other = rng.sample(_THINGS, 2)
        slots = {
            "thing": thing,
            "other": other,
            "person": rng.choice(_PERSONS),
            "place": rng.choice(_PLACES),
            "kind": rng.choice(_KINDS),
            "verb": rng.choice(_VERBS),
        }
        task = rng.choice(_TEMPLATES).format(**slots)
        if task not in found:
            found.append(task)
    return found


def _answer_text(prompt: str, rng: random.Random) -> str:
    """Three plain sentences about what the prompt names."""
    last = prompt.strip().splitlines()[-1] if prompt.strip() else "nothing"
    named = [word.lower() for word in re.findall(r"[A-Za-z]{4,}", last)] or ["this"]
    opening, middle, closing = (rng.choice(part) for part in (_OPENINGS, _MIDDLES, _CLOSINGS))
    subject = " and ".join(dict.fromkeys(named[-2:]))
    thing, kind, verb = rng.choice(_THINGS), rng.choice(_KINDS), rng.choice(_VERBS)
    return (
        f"{opening} {subject} depends on {kind} habits and on patience. "
        f"{middle} {thing} is a good first step, because it is easy to {verb}. "
        f"{closing} {rng.choice(_PLACES)} {rng.choice(_PERSONS)}s have done so for years."
    )


def _words(text: str) -> list[str]:
    return text.split()


_THINGS = _words(
    "lemons bicycles candles rivers violins umbrellas beehives lanterns carpets anchors walnuts "
    "pillows telescopes kettles sandals marbles ladders orchards feathers blankets compasses "
    "tractors whistles puddles mirrors acorns saddles teapots icebergs pencils hammocks "
    "radishes cushions trumpets pebbles mittens harbours thistles wagons buckets"
)
_PERSONS = _words(
    "baker sailor teacher plumber dentist tailor farmer librarian juggler pilot nurse cobbler "
    "gardener chemist painter lawyer shepherd grocer carpenter astronomer mechanic poet fisher "
    "weaver barber clerk miner potter brewer referee"
)
_PLACES = _words(
    "Lisbon Oslo Nairobi Quito Hanoi Dublin Warsaw Cairo Toronto Lima Athens Prague Havana "
    "Delhi Seville Geneva Tunis Riga Bergen Kyoto Porto Zagreb Malmo Accra Perth Bogota Tallinn "
    "Leeds Naples Utrecht"
)
_KINDS = _words(
    "quiet rusty golden fragile wooden ancient cheerful narrow heavy crooked gentle frozen "
    "bright hollow muddy silent striped dusty patient velvet clumsy sturdy fragrant tidy modest "
    "hidden"
)
_VERBS = _words(
    "repair borrow polish measure arrange gather carry protect describe replace paint sort wrap "
    "balance harvest clean store share deliver label fold weigh trade decorate"
)
_TEMPLATES = (
    "Compare {kind} {thing} with {other} for a {person} in {place}.",
    "Explain to a {person} how people in {place} {verb} {kind} {thing}.",
    "Describe the {kind} {thing} that one {person} from {place} keeps beside {other}.",
    "Suggest why any {person} should {verb} {thing} before {other} in {place}.",
    "Write a short letter from a {kind} {person} who sells {thing} near {place}.",
    "Summarise what {place} taught every {person} about {thing} and {kind} {other}.",
    "Invent a proverb where {kind} {thing} meet {other} outside {place}.",
    "Tell a {person} when to {verb} {other} instead of {kind} {thing}.",
    "Outline a plan to {verb} {thing} across {place} without {kind} {other}.",
    "Name the main risk if {kind} {other} replace {thing} on a {person}'s desk.",
)
_OPENINGS = ("Dealing with", "The matter of", "A good view of", "Thinking about", "Choosing")
_MIDDLES = ("Starting with", "Setting aside", "Looking after", "Keeping some", "Trying out")
_CLOSINGS = ("In the markets of", "Around the old town of", "Far away in", "Even in busy", "Near")


def main() -> None:
    """Serve until stdin closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--script", default="", help="faults by arrival, comma separated")
    parser.add_argument("--always", choices=FAULTS)
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    script = [fault or None for fault in arguments.script.split(",")] if arguments.script else []
    with FakeTeacher(
        latency_seconds=arguments.latency,
        script=script,
        always=arguments.always,
        log=arguments.log,
    ) as teacher:
        sys.stdout.write(f"{teacher.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
