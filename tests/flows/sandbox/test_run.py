"""Programs that nobody has read: what they try, and that none of it works."""

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from flows.sandbox.run import Limits, RunResult, find_obstacle, run_program

pytestmark = pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))

SHORT = Limits(seconds=1, wall_seconds=10, memory_mb=256)


def run(body: str, *calls: list[object], limits: Limits = SHORT) -> RunResult:
    return run_program(body, "f", calls or [[]], limits)


def refused(result: RunResult) -> bool:
    """Whether the only call raised what the kernel's refusal raises."""
    error = result.calls[0].get("error", "") if result.outcome == "ran" else ""
    return error.startswith(("PermissionError", "RuntimeError: can't start new thread"))


def test_a_function_is_called_with_each_of_its_arguments() -> None:
    found = run("def f(a, b=1):\n    return [a, (b, {'x': None})]", [1], ["é", 2])
    assert found.outcome == "ran"
    assert [call["value"] for call in found.calls] == [
        [1, {"tuple": [1, {"dict": [["x", None]]}]}],
        ["é", {"tuple": [2, {"dict": [["x", None]]}]}],
    ]


def test_an_endless_loop_ends_with_its_processor_time() -> None:
    started = time.monotonic()
    assert run("def f():\n    while True:\n        pass").outcome == "too_slow"
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("trap", ["except BaseException: pass", "finally: f()"])
def test_a_loop_that_catches_everything_ends_as_well(trap: str) -> None:
    body = f"def f():\n    while True:\n        try:\n            1 // 0\n        {trap}"
    assert run(body).outcome in ("too_slow", "ended", "ran")


@pytest.mark.parametrize("body", ["'a' * 10**10", "[0] * 10**9", "list(range(10**9))"])
def test_memory_has_an_end(body: str) -> None:
    found = run(f"def f():\n    return {body}")
    assert found.outcome == "ran"
    assert found.calls[0]["error"].startswith("MemoryError")


@pytest.mark.parametrize(
    "body",
    [
        "import os\ndef f():\n    while True:\n        os.fork()",
        "import os\ndef f():\n    os.posix_spawn('/bin/true', ['true'], {})",
        "import os\ndef f():\n    os.execv('/bin/true', ['true'])",
        "import _thread\ndef f():\n    _thread.start_new_thread(print, ())",
        "import os\ndef f():\n    os.kill(os.getppid(), 9)",
        "import os\ndef f():\n    os.killpg(0, 9)",
        "def f():\n    open('/proc/self/environ').read()",
        "def f():\n    open('/etc/passwd').read()",
        "import os\ndef f():\n    os.listdir('/')",
        "import os\ndef f():\n    os.chdir('/tmp')",
        "import os\ndef f():\n    os.unlink('/tmp/x')",
        "import os\ndef f():\n    os.pipe()",
        "import time\ndef f():\n    time.sleep(60)",
    ],
)
def test_what_is_no_computing_is_refused(body: str) -> None:
    assert refused(run(body))


def test_ctypes_is_no_way_around() -> None:
    body = "import ctypes\ndef f():\n    c = ctypes.CDLL(None)\n"
    body += "    return [c.fork(), c.socket(2, 1, 0)]"
    assert run(body).calls[0]["value"] == [-1, -1]


def test_limits_cannot_be_raised_again() -> None:
    body = (
        "import resource\ndef f():\n    resource.setrlimit(resource.RLIMIT_CPU, (99, 99))\n"
        "    return 'raised'"
    )
    assert "value" not in run(body).calls[0]


def test_nothing_outside_is_written(tmp_path: Path) -> None:
    target = tmp_path / "written"
    assert refused(run(f"def f():\n    open({str(target)!r}, 'w')"))
    assert not target.exists()


def test_a_listener_on_loopback_hears_nothing() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        body = (
            "import _socket\ndef f():\n    s = _socket.socket()\n"
            f"    s.connect(('127.0.0.1', {port}))"
        )
        found = run(body)
        assert found.outcome == "broken" or refused(found)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_secrets_of_the_environment_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_API_KEY", "sk-canary")
    monkeypatch.setenv("PYTHONSTARTUP", "/nowhere")
    found = run("import os\ndef f():\n    return sorted(os.environ)")
    assert set(found.calls[0]["value"]) <= {"PYTHONHASHSEED", "PYTHONUTF8", "LC_CTYPE"}


def test_no_file_of_ours_is_open() -> None:
    with Path(__file__).open() as mine:
        os.set_inheritable(mine.fileno(), True)
        body = (
            "import os\ndef f():\n    found = []\n    for n in range(64):\n        try:\n"
            "            os.lseek(n, 0, 1)\n            found.append(n)\n"
            "        except OSError:\n            pass\n    return found"
        )
        assert run(body).calls[0]["value"] == [0, 1, 2]


@pytest.mark.parametrize("body", ["import os\nos._exit(0)", "def f():\n    import os; os._exit(0)"])
def test_ending_early_is_no_result(body: str) -> None:
    assert run(body).outcome == "ended"


@pytest.mark.parametrize(
    "body", ["raise SystemExit", "import sys\nsys.exit(0)", "def g(: pass", ""]
)
def test_a_program_without_the_function_is_broken(body: str) -> None:
    assert run(body).outcome == "broken"


@pytest.mark.parametrize(
    "told", ["garbage", "[]", '{"calls": []}', '{"calls": [1]}', '{"calls": 7}', "[" * 50_000]
)
def test_a_forged_report_in_another_shape_is_no_result(told: str) -> None:
    body = f"import os\nos.write(1, {told.encode()!r})\nos._exit(0)"
    assert run(body).outcome == "no_result"


def test_output_has_an_end() -> None:
    found = run("def f():\n    return 'x' * 5_000_000")
    assert found.outcome in ("ended", "no_result")
    loud = run("def f():\n    for _ in range(10**5):\n        print('x' * 1000)\n    return 1")
    assert loud.calls[0]["value"] == 1


@pytest.mark.parametrize(
    "body",
    [
        "def f():\n    return f()",
        "def f():\n    x = []\n    for _ in range(10**5):\n        x = [x]\n    return x",
        "def f():\n    x = []\n    x.append(x)\n    return x",
        "def f():\n    return 10**5000",
        "class A(int):\n    pass\ndef f():\n    return A(1)",
        "class E(Exception):\n    def __str__(self):\n        raise E\ndef f():\n    raise E",
    ],
)
def test_values_that_cannot_be_told_are_errors(body: str) -> None:
    found = run(body)
    assert found.outcome in ("broken", "ended", "no_result") or "error" in found.calls[0]


def test_a_crash_of_the_interpreter_is_an_end() -> None:
    assert run("import ctypes\ndef f():\n    ctypes.string_at(0)").outcome == "ended"


def test_the_order_of_sets_and_random_numbers_are_the_same_every_time() -> None:
    body = "import random\ndef f():\n    return [list({'a', 'b', 'c', 'd'}), random.random()]"
    assert run(body) == run(body)


def test_the_clock_on_the_wall_says_nothing_about_a_program() -> None:
    limits = Limits(seconds=20, wall_seconds=0.3)
    assert run("def f():\n    while True:\n        pass", limits=limits).outcome == "overdue"


def test_programs_run_side_by_side() -> None:
    found: list[RunResult] = []
    body = "def f(n):\n    return n * n"
    threads = [threading.Thread(target=lambda n=n: found.append(run(body, [n]))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.calls[0]["value"] for result in found) == [0, 1, 4, 9, 16, 25]


def test_without_a_filter_for_the_machine_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.sandbox.filter.platform.machine", lambda: "riscv64")
    with pytest.raises(OSError, match="x86_64"):
        run("def f():\n    return 1")
