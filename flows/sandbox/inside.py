"""What runs in the sandbox: shuts itself in, runs a program, calls its function, tells the values.

Started as a script of its own by `flows.sandbox.run`, without site packages. It imports nothing of
feingold, and nothing it says is trusted.
"""

import ctypes
import importlib
import io
import json
import os
import resource
import sys
from typing import Any

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LONGEST_MESSAGE = 200


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))


def _shut_in(seconds: int, memory: int, output: int, lines: bytes) -> None:
    """Lower the limits and give up every system call that is not on the list."""
    limits = (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 16),
    )
    library = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(lines, len(lines))
    program = _Program(len(lines) // 8, ctypes.cast(held, ctypes.c_void_p))
    for kind, value in limits:
        resource.setrlimit(kind, (value, value))
    if library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        os._exit(3)
    if library.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) != 0:
        os._exit(3)


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever the function returned
    """Return a value as JSON; a tuple says that it is one, and subclasses are none."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_plain(item) for item in value]
    if kind is tuple:
        return {"tuple": [_plain(item) for item in value]}
    if kind is dict:
        return {"dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    msg = f"returned a {kind.__name__}"
    raise TypeError(msg)


def _given(value: Any) -> Any:  # noqa: ANN401  any argument
    """Undo `_plain`."""
    if isinstance(value, list):
        return [_given(item) for item in value]
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_given(item) for item in value["tuple"])
    if isinstance(value, dict):
        return {_given(key): _given(item) for key, item in value["dict"]}
    return value


def _call(function: Any, arguments: Any) -> dict[str, Any]:  # noqa: ANN401  of the program
    try:
        return {"value": _plain(function(*_given(arguments)))}
    except BaseException as error:  # noqa: BLE001  SystemExit and MemoryError are answers, too
        return {"error": _say(error)}


def _say(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    except BaseException:  # noqa: BLE001  its text is made by the program
        return "error"


def _run(job: dict[str, Any]) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "solution", "__builtins__": __builtins__}
    try:
        exec(compile(job["code"], "solution.py", "exec"), space)  # noqa: S102  what this is for
        function = space[job["function"]]
    except BaseException as error:  # noqa: BLE001  see `_call`
        return {"error": _say(error)}
    return {"calls": [_call(function, arguments) for arguments in job["calls"]]}


def main() -> None:
    """Read the job, shut in, run it, tell what came of it."""
    job = json.loads(sys.stdin.buffer.read())
    for name in job["modules"]:
        importlib.import_module(name)
    importlib.import_module("random").seed(0)
    lines = bytes.fromhex(job["filter"])
    _shut_in(job["seconds"], job["memory"], job["output"], lines)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    sys.stdout.write = sys.stderr.write = len  # type: ignore[method-assign]
    told = json.dumps(_run(job)).encode()
    while told:
        told = told[os.write(1, told) :]
    os._exit(0)


if __name__ == "__main__":
    main()
