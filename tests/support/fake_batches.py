"""OpenAI's /v1/files and /v1/batches on loopback, with faults on demand.

    with FakeBatches([Plan(polls=3, answered=2, ending="expired")]) as server:
        server.base_url

A reply is what `FakeTeacher` would say; what a batch answers is billed, once for each line.
"""

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_teacher import good_reply


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one batch.

    Attributes:
        polls: looks at it until it has ended.
        ending: `completed`, `expired`, `cancelled` or `failed`.
        answered: lines that are answered before it ends; null for all.
        message: why it failed.
        statuses: HTTP status of lines by position, where it is not 200.
        drop_create: whether the connection breaks right after it was created.
        late_files: looks after its end at which its files are not named yet.
        damaged: downloads of its output that end in the middle of a line.
    """

    polls: int = 1
    ending: str = "completed"
    answered: int | None = None
    message: str = "the enqueued token limit is reached"
    statuses: Mapping[int, int] = field(default_factory=dict)
    drop_create: bool = False
    late_files: int = 0
    damaged: int = 0


@dataclass(slots=True)
class FakeBatch:
    """One batch as the server knows it."""

    id: str
    plan: Plan
    input_file_id: str
    endpoint: str
    metadata: dict[str, str]
    lines: list[dict[str, Any]]
    created_at: int
    status: str = "in_progress"
    looks: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None


@dataclass
class FakeBatches:
    """The server; a context manager.

    Attributes:
        plans: of the first batches, in the order of their creation; any other is answered in full.
        has_batches: whether it has the endpoints at all.
        faults: of requests by `METHOD /path`, used up in order: a status, `reset` or `html`; a path
            that ends in `/` means all below it.
        page: most batches that a list shows at once.
        bodies: uploaded files by id.
        batches: by id, in the order of their creation.
        billed: how often each request body was billed, as canonical JSON.
        calls: `METHOD /path` of every request.
        keys: authorization headers seen.
        coming: plans that no batch has used yet.
    """

    plans: Iterable[Plan] = ()
    has_batches: bool = True
    faults: dict[str, list[str]] = field(default_factory=dict)
    page: int = 2
    bodies: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, FakeBatch] = field(default_factory=dict)
    billed: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    coming: deque[Plan] = field(init=False)

    def __post_init__(self) -> None:
        self.coming = deque(self.plans)
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self

    @property
    def base_url(self) -> str:
        """What a recipe names."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
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
        self._server.shutdown()
        self._server.server_close()

    @property
    def handed_in(self) -> list[list[str]]:
        """The `custom_id`s of each batch."""
        return [[line["custom_id"] for line in batch.lines] for batch in self.batches.values()]

    def next_fault(self, call: str) -> str | None:
        """Note a request; say what goes wrong with it."""
        with self._lock:
            self.calls.append(call)
            for prefix, faults in self.faults.items():
                is_meant = call.startswith(prefix) if prefix.endswith("/") else call == prefix
                if is_meant and faults:
                    return faults.pop(0)
        return None

    def upload(self, data: bytes) -> dict[str, Any]:
        """Keep a file."""
        with self._lock:
            name = f"file-in-{len(self.bodies)}"
            self.bodies[name] = data
        return {"id": name, "object": "file", "purpose": "batch", "bytes": len(data)}

    def create(self, given: dict[str, Any]) -> FakeBatch:
        """Begin a batch."""
        with self._lock:
            data = self.bodies[given["input_file_id"]]
            lines = [json.loads(line) for line in data.splitlines()]
            assert {line["url"] for line in lines} == {given["endpoint"]}
            assert len({line["body"]["model"] for line in lines}) == 1
            assert len({line["custom_id"] for line in lines}) == len(lines)
            plan = self.coming.popleft() if self.coming else Plan()
            batch = FakeBatch(
                id=f"batch_{len(self.batches)}",
                plan=plan,
                input_file_id=given["input_file_id"],
                endpoint=given["endpoint"],
                metadata=given.get("metadata") or {},
                lines=lines,
                created_at=int(time.time()),
            )
            self.batches[batch.id] = batch
        return batch

    def look(self, batch: FakeBatch) -> dict[str, Any]:
        """Show a batch to whoever waits for it; it goes on a step."""
        with self._lock:
            batch.looks += 1
            if batch.status == "in_progress" and batch.looks >= batch.plan.polls:
                self._end(batch)
            return self.show(batch, is_waiting=True)

    def _end(self, batch: FakeBatch) -> None:
        plan = batch.plan
        batch.status = plan.ending
        answered = len(batch.lines) if plan.answered is None else plan.answered
        if plan.ending == "failed":
            answered = plan.answered or 0
        good: list[str] = []
        bad: list[str] = []
        for position, line in enumerate(batch.lines):
            status = plan.statuses.get(position, 200)
            if position < answered and status == 200:
                reply = good_reply(line["url"], line["body"])
                self.billed[json.dumps(line["body"], sort_keys=True)] += 1
                response = {"status_code": 200, "request_id": "r", "body": reply}
                good.append(_result(line, response, None))
            elif position < answered:
                body = {"error": {"message": f"scripted {status}", "type": "scripted"}}
                response = {"status_code": status, "request_id": "r", "body": body}
                bad.append(_result(line, response, None))
            elif plan.ending == "expired":
                error = {"code": "batch_expired", "message": "This request could not be executed."}
                bad.append(_result(line, None, error))
        good.reverse()  # a server promises no order
        batch.output_file_id = self._keep(batch, "out", good)
        batch.error_file_id = self._keep(batch, "err", bad)

    def _keep(self, batch: FakeBatch, kind: str, lines: list[str]) -> str | None:
        if not lines:
            return "" if kind == "err" else None  # both are seen in the wild
        name = f"file-{kind}-{batch.id}"
        self.bodies[name] = "".join(f"{line}\n" for line in lines).encode()
        return name

    def content(self, name: str) -> bytes:
        """What a download brings."""
        data = self.bodies[name]
        for batch in self.batches.values():
            if (
                name == batch.output_file_id
                and batch.plan.damaged > self.calls.count(f"GET /v1/files/{name}/content") - 1
            ):
                return data[: len(data) - 30]
        return data

    def show(self, batch: FakeBatch, *, is_waiting: bool = False) -> dict[str, Any]:
        """A batch as JSON."""
        late = is_waiting and batch.looks < batch.plan.polls + batch.plan.late_files
        failure = {"code": "invalid", "line": 1, "message": batch.plan.message}
        answered = batch.output_file_id is not None
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.endpoint,
            "input_file_id": batch.input_file_id,
            "completion_window": "24h",
            "status": batch.status,
            "created_at": batch.created_at,
            "metadata": batch.metadata,
            "output_file_id": None if late else batch.output_file_id,
            "error_file_id": None if late else batch.error_file_id,
            "request_counts": {"total": len(batch.lines), "completed": int(answered), "failed": 0},
            "errors": {"object": "list", "data": [failure]} if batch.status == "failed" else None,
        }

    def list_after(self, after: str | None) -> dict[str, Any]:
        """A page of batches, the newest first."""
        names = list(reversed(self.batches))
        start = names.index(after) + 1 if after else 0
        found = names[start : start + self.page]
        return {
            "object": "list",
            "data": [self.show(self.batches[name]) for name in found],
            "has_more": start + self.page < len(names),
        }


def _result(line: Mapping[str, Any], response: object, error: object) -> str:
    found = {"id": "batch_req", "custom_id": line["custom_id"]}
    return json.dumps({**found, "response": response, "error": error})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeBatches

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
        fake = self.server.fake
        if self._stumbles():
            return
        parts = urlsplit(self.path)
        *_, last = names = parts.path.split("/")[2:]
        if names == ["batches"]:
            self._send(fake.list_after(parse_qs(parts.query).get("after", [None])[0]))
        elif names[0] == "batches" and last in fake.batches:
            self._send(fake.look(fake.batches[last]))
        elif names[0] == "files" and last == "content" and names[1] in fake.bodies:
            self._send_data(200, fake.content(names[1]))
        else:
            self._send({"error": {"message": f"no {self.path}"}}, 404)

    def do_POST(self) -> None:
        fake = self.server.fake
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self._stumbles():
            return
        if self.path == "/v1/files":
            self._send(fake.upload(_file_in(data, self.headers["Content-Type"])))
        elif self.path == "/v1/batches":
            batch = fake.create(json.loads(data))
            if batch.plan.drop_create:
                self._reset()
            else:
                self._send(fake.show(batch))
        else:
            self._send({"error": {"message": f"no {self.path}"}}, 404)

    def _stumbles(self) -> bool:
        """Whether the request is already dealt with."""
        fake = self.server.fake
        fake.keys.add(self.headers.get("Authorization", ""))
        call = f"{self.command} {urlsplit(self.path).path}"
        fault = fake.next_fault(call)
        if not fake.has_batches:
            self._send({"error": {"message": "Not Found"}}, 404)
        elif fault == "reset":
            self._reset()
        elif fault == "html":
            self._send_data(200, b"<html>maintenance</html>", "text/html")
        elif fault is not None:
            key = self.headers.get("Authorization", "")  # some servers echo it
            self._send({"error": {"message": f"scripted {fault} for {key}"}}, int(fault))
        else:
            return False
        return True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _send(self, value: object, status: int = 200) -> None:
        self._send_data(status, json.dumps(value).encode())

    def _send_data(self, status: int, data: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def _file_in(data: bytes, kind: str) -> bytes:
    """The one file of a multipart upload."""
    mark = b"--" + kind.partition("boundary=")[2].strip('"').encode()
    for part in data.split(mark):
        head, _, body = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return body.removesuffix(b"\r\n")
    msg = "no file in the upload"
    raise ValueError(msg)
