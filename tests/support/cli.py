"""Calls the command line as users do: as a process, or in this one where that is the same."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_GUARD = Path(__file__).parent / "guard"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout; anything else there is a failure."""
        found = json.loads(self.out)
        assert isinstance(found, dict), self.out
        assert self.out == json.dumps(found, ensure_ascii=False) + "\n"
        return found

    @property
    def error_line(self) -> str:
        """The one line on stderr; anything else there is a failure."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("feingold: "), self.err
        return lines[0].removeprefix("feingold: ")

    def succeed(self) -> "Ran":
        """Return this if the command succeeded."""
        assert self.code == 0, f"exit {self.code}\n{self.err}\n{self.out}"
        return self


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process that a test starts: no keys, no way out of this machine."""
    inherited = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    inherited["PYTHONPATH"] = os.pathsep.join([str(_GUARD), inherited.get("PYTHONPATH", "")])
    return inherited | dict(extra or {})


def spawn_cli(
    *words: object, cwd: Path, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """Start a command as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *map(str, words)],
        cwd=cwd,
        env=child_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run_cli(*words: object, cwd: Path, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
    """Run a command as a process and wait for it."""
    with spawn_cli(*words, cwd=cwd, env=env, **options) as process:
        out, err = process.communicate(timeout=240)
    return Ran(process.returncode, out, err)


def call_cli(*words: object, cwd: Path) -> Ran:
    """Run a command in this process: the same code from `main` on, without its start."""
    from flows.__main__ import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([str(word) for word in words])
    return Ran(code, out.getvalue(), err.getvalue())
