"""RESULTS.md beside this file: each benchmark rewrites its own section and leaves the others."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = "# Deduplication, measured\n\nEvery section is written by the command that it names.\n"


def write_section(name: str, text: str, *, path: Path = RESULTS) -> None:
    """Replace the section `name` between its marker comments; a new one goes to the end.

    Args:
        name: of the markers, never shown.
        text: Markdown, with its own heading.
        path: of the file; made where it is missing.
    """
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{start}\n{text.strip()}\n{end}"
    old = path.read_text(encoding="utf-8") if path.is_file() else _TITLE
    markers = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
    # A function, because a replacement text would have its backslashes read.
    new, count = markers.subn(lambda _: section, old)
    path.write_text(new if count else f"{old.rstrip()}\n\n{section}\n", encoding="utf-8")


def machine() -> dict[str, str | int]:
    """Say where and when this was measured."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory": _first("/proc/meminfo", "MemTotal"),
        "python": platform.python_version(),
        "commit": commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def describe_machine(facts: dict[str, str | int]) -> str:
    """Say it in one line of Markdown."""
    return (
        f"{facts['date']}, {facts['cores']} cores ({facts['cpu']}), {facts['memory']} of memory, "
        f"Python {facts['python']}, commit {facts['commit']}."
    )


def commit() -> str:
    """Return the short hash of the commit that is checked out, or "unknown"."""
    folder = ROOT / ".git"
    try:
        head = (folder / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head[:10]
        loose = folder / head[5:]
        if loose.is_file():
            return loose.read_text(encoding="ascii")[:10]
        packed = (folder / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next(line[:10] for line in packed if line.endswith(f" {head[5:]}"))
    except (OSError, StopIteration):
        return "unknown"


def _first(path: str, key: str) -> str:
    """Return the value of the first line `key: value` of a file, "" where there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
