"""A cheap loopback teacher: OpenAI's chat completions after a fixed time, with faults on request.

    python -m benchmarks.teacher.server --latency 0.05
    python -m benchmarks.teacher.server --faults 0.3 --seed 7 --log requests.jsonl

Prints its base URL and ends when stdin closes. HTTP/1.1 is parsed by hand on `asyncio.Protocol`,
so that the server costs little CPU beside the client that is measured.

- POST /v1/chat/completions: a reply that depends on the request body only.
- GET /v1/models; GET /stats: what was asked since the start or the last POST /reset.
"""

import argparse
import asyncio
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

MODEL = "loopback"
REPLY_PREFIX = "Reply"
NOUNS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath"),
    *("inlet", "jetty", "kayak", "larch", "maple", "north", "otter", "pearl"),
)
WORDS = {f"{place:x}": noun for place, noun in enumerate(NOUNS)}
HTML = b"<!doctype html><title>Bad gateway</title><p>The upstream server did not answer.</p>"

Reply = dict[str, Any]  # a chat.completion object


class Options(NamedTuple):
    """How the server behaves; times in seconds."""

    latency: float = 0.05
    faults: float = 0.0
    seed: int = 0
    hang: float = 30.0


class Request(NamedTuple):
    """One parsed HTTP request."""

    method: str
    path: str
    body: bytes


class State:
    """Counts since the start or the last reset, and the seeded choice of faults."""

    def __init__(self, options: Options, log: TextIO | None = None) -> None:
        self.options = options
        self.log = log
        self.reset()

    def reset(self) -> None:
        """Start the counts and the sequence of faults anew."""
        self.random = random.Random(self.options.seed)
        self.digests: set[str] = set()
        self.requests = self.in_flight = self.peak_in_flight = self.connections = 0
        self.billed = self.prompt_tokens = self.completion_tokens = 0
        self.first = self.last = 0.0
        self.cpu = time.process_time()

    def complete(self, request: dict[str, Any], digest: str) -> Reply:
        """Make the good reply to a request."""
        return _completion(request, digest)

    def arrive(self, digest: str) -> str | None:
        """Count one request and draw its fault, by order of arrival."""
        self.requests += 1
        self.digests.add(digest)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.first = self.first or time.monotonic()
        fault = None
        if self.options.faults and self.random.random() < self.options.faults:
            fault = self.random.choice(FAULTS)
        self._note({"sha256": digest, "fault": fault, "at": time.monotonic()})
        return fault

    def bill(self, reply: Reply, fault: str | None) -> None:
        """Charge for a reply that will be written, whether or not it arrives."""
        if fault not in UNBILLED:
            self.billed += 1
            self.prompt_tokens += reply["usage"]["prompt_tokens"]
            self.completion_tokens += reply["usage"]["completion_tokens"]

    def answered(self, digest: str, *, is_taken: bool) -> None:
        """Count one request as over, whichever way.

        Args:
            digest: of its body.
            is_taken: whether the client still holds the connection.
        """
        self.in_flight = max(0, self.in_flight - 1)  # a reset may lie between arrival and answer
        self.last = time.monotonic()
        self._note({"answered": digest, "taken": is_taken, "at": self.last})

    def _note(self, line: dict[str, object]) -> None:
        if self.log is not None:
            self.log.write(json.dumps(line) + "\n")

    def stats(self) -> dict[str, float]:
        """What GET /stats returns; the window runs from the first arrival to the last answer."""
        return {
            "requests": self.requests,
            "distinct": len(self.digests),
            "billed": self.billed,
            "connections": self.connections,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "window_seconds": round(max(0.0, self.last - self.first), 4),
            "cpu_seconds": round(time.process_time() - self.cpu, 4),
        }


class Loopback(asyncio.Protocol):
    """One keep-alive connection; requests with a Content-Length only."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.buffer = b""
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.state.connections += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (request := self._take_request()) is not None:
            self._serve(request)

    def _take_request(self) -> Request | None:
        """Cut one whole request off the buffer; None while it is incomplete."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.buffer[:end].decode("latin-1")
        line, _, headers = head.partition("\r\n")
        start, stop = end + 4, end + 4 + _content_length(headers)
        if len(self.buffer) < stop:
            return None
        body, self.buffer = self.buffer[start:stop], self.buffer[stop:]
        method, path, _ = line.split(" ", 2)
        return Request(method, path, body)

    def _serve(self, request: Request) -> None:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                self._complete(request.body)
            case "GET", "/v1/models":
                card = {"id": MODEL, "object": "model", "created": 0, "owned_by": "benchmark"}
                self._send(_json({"object": "list", "data": [card]}))
            case "GET", "/stats":
                self._send(_json(self.state.stats()))
            case "POST", "/reset":
                self.state.reset()
                self._send(_json({"reset": True}))
            case method, path:
                self._send(_json(_error(f"no such route: {method} {path}")), status="404 Not Found")

    def _complete(self, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()
        try:
            reply = self.state.complete(json.loads(body), digest)
        except (ValueError, KeyError, TypeError) as error:
            message = f"expected a JSON object with messages, got {error!r}"
            self._send(_json(_error(message)), status="400 Bad Request")
            return
        fault = self.state.arrive(digest)
        self.state.bill(reply, fault)
        delay = self.state.options.hang if fault == "hang" else self.state.options.latency
        self.loop.call_later(delay, self._answer, reply, fault, digest)

    def _answer(self, reply: Reply, fault: str | None, digest: str) -> None:
        is_taken = not self.transport.is_closing()
        self.state.answered(digest, is_taken=is_taken)
        if is_taken:
            ANSWERS[fault](self, reply)

    def _reply(self, reply: Reply) -> None:
        self._send(_json(reply))

    def _refuse(self, _reply: Reply, *, status: str, extra: str = "") -> None:
        self._send(_json(_error(status)), status=status, extra=extra)

    def _reset(self, _reply: Reply) -> None:
        # A linger of 0 s makes the kernel send RST where a plain close would send FIN.
        raw: socket.socket = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _html(self, _reply: Reply) -> None:
        self._send(HTML, kind="text/html")

    def _empty_choices(self, reply: Reply) -> None:
        self._send(_json(reply | {"choices": []}))

    def _null_content(self, reply: Reply) -> None:
        reply["choices"][0]["message"]["content"] = None
        self._send(_json(reply))

    def _truncated(self, reply: Reply) -> None:
        payload = _json(reply)
        self._send(payload[: len(payload) // 2])

    def _hang_up(self, _reply: Reply) -> None:
        self.transport.close()

    def _send(
        self,
        payload: bytes,
        *,
        status: str = "200 OK",
        kind: str = "application/json",
        extra: str = "",
    ) -> None:
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(payload)}\r\n"
            f"{extra}\r\n"
        )
        self.transport.write(head.encode("latin-1") + payload)


ANSWERS: dict[str | None, Callable[[Loopback, Reply], None]] = {
    None: Loopback._reply,
    "429": partial(Loopback._refuse, status="429 Too Many Requests", extra="Retry-After: 0.05\r\n"),
    "500": partial(Loopback._refuse, status="500 Internal Server Error"),
    "503": partial(Loopback._refuse, status="503 Service Unavailable"),
    "reset": Loopback._reset,
    "html": Loopback._html,
    "empty_choices": Loopback._empty_choices,
    "null_content": Loopback._null_content,
    "truncated": Loopback._truncated,
    "hang": Loopback._hang_up,
}
FAULTS = tuple(name for name in ANSWERS if name is not None)
UNBILLED = frozenset({"429", "500", "503"})  # refused before any work was done


def _content_length(headers: str) -> int:
    for line in headers.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


def _completion(request: dict[str, Any], digest: str) -> Reply:
    """Make the reply to a request from the SHA-256 of its body; a token is a word here."""
    words = [WORDS[digit] for digit in digest[:40]]
    content = f"{REPLY_PREFIX} {digest[:16]}: {' '.join(words)}."
    prompt_tokens = sum(_count_words(message["content"]) for message in request["messages"])
    completion_tokens = len(words) + 2
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.get("model", MODEL),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _count_words(content: str | list[dict[str, Any]]) -> int:
    """Count the words of a message, whose content may be a list of parts."""
    if isinstance(content, str):
        return len(content.split())
    return sum(len(part.get("text", "").split()) for part in content)


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


async def serve(options: Options, *, port: int = 0, log: TextIO | None = None) -> None:
    """Serve on 127.0.0.1 until stdin closes."""
    state = State(options, log)
    loop = asyncio.get_running_loop()
    stdin_closed = asyncio.Event()
    # A thread, since epoll refuses a stdin that is a file or /dev/null.
    threading.Thread(target=_await_stdin_end, args=(loop, stdin_closed), daemon=True).start()
    server = await loop.create_server(lambda: Loopback(state), "127.0.0.1", port, backlog=1024)
    host, bound = server.sockets[0].getsockname()
    print(f"http://{host}:{bound}/v1", flush=True)
    await stdin_closed.wait()
    server.close()


def _await_stdin_end(loop: asyncio.AbstractEventLoop, closed: asyncio.Event) -> None:
    sys.stdin.read()
    loop.call_soon_threadsafe(closed.set)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests, 0 to 1")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument(
        "--hang", type=float, default=30.0, help="seconds before a hanging connection is closed"
    )
    parser.add_argument(
        "--log", type=Path, help="JSON lines: one for each request, one for its end"
    )
    arguments = parser.parse_args()
    options = Options(arguments.latency, arguments.faults, arguments.seed, arguments.hang)
    with ExitStack() as stack:
        log: TextIO | None = None
        if arguments.log:
            # Line by line, so that a reader sees a request before its answer.
            log = stack.enter_context(arguments.log.open("a", encoding="utf-8", buffering=1))
        asyncio.run(serve(options, port=arguments.port, log=log))


if __name__ == "__main__":
    main()
