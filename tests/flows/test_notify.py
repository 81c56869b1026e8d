"""Somebody is told when a scheduled run fails, and no secret of the way there is shown."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.states import Failed

from flows.notify import VARIABLE, message, notify

RUN = FlowRun(flow_id="00000000-0000-0000-0000-000000000000", name="calm-otter",  # type: ignore[arg-type]
              parameters={"recipe": "recipes/a.yaml"})  # fmt: skip
FAILED = Failed(message="the version would break its gate\nand was not published")


@flow(name="feingold-nightly")
def night() -> None:
    """A flow with a name."""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web hook on loopback and what it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def test_a_web_hook_gets_one_line(
    hook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, got = hook
    monkeypatch.setenv(VARIABLE, f"{address}/services/T0KEN")
    notify(night, RUN, FAILED)
    assert got == [message("feingold-nightly", RUN, FAILED)]
    assert got[0]["text"] == (
        "feingold-nightly of recipes/a.yaml: Failed. "
        "the version would break its gate and was not published"
    )


def test_a_command_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "told with space.json"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    monkeypatch.setenv(VARIABLE, f'{sys.executable} -c "{code}" "{target}"')
    notify(night, RUN, FAILED)
    assert json.loads(target.read_text())["state"] == "Failed"


@pytest.mark.parametrize("way", ["/broken", "refused", "no-such-command-T0KEN", 'open "quote'])
def test_what_cannot_be_told_is_logged_without_its_address(
    hook: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    way: str,
) -> None:
    ways = {"/broken": f"{hook[0]}/broken", "refused": "http://127.0.0.1:9/T0KEN"}
    monkeypatch.setenv(VARIABLE, ways.get(way, way))
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("prefect.feingold")
    monkeypatch.setattr(logger, "disabled", False)
    logger.setLevel(logging.ERROR)
    logger.addHandler(handler)
    notify(night, RUN, FAILED)
    logger.removeHandler(handler)
    assert len(said) == 1
    assert "T0KEN" not in said[0]
    assert "/broken" not in said[0]


def test_nobody_is_told_where_nobody_is_named(
    hook: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    notify(night, RUN, FAILED)
    assert hook[1] == []
