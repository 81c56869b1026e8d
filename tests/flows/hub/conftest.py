"""A Hub on loopback for this process, and a client that does not wait."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import huggingface_hub.utils._http
import pytest

from flows.hub import calls, copying
from tests.support.hub import TOKEN, FakeHub
from tests.support.hub_versions import stand_in_report


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody sleeps; what would have been slept."""
    found: list[float] = []
    monkeypatch.setattr(calls, "pause", found.append)
    clock = SimpleNamespace(sleep=found.append, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(huggingface_hub.utils._http, "time", clock)
    return found


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, waits: list[float], tmp_path: Path) -> Iterator[FakeHub]:
    """The Hub that $HF_ENDPOINT names, and a token for it."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(copying, "write_report", stand_in_report)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with FakeHub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
