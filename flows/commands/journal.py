"""`feingold journal`: looks into the journal of a home, proves it, exports it, thins it out."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from flows.journal import FILE
from flows.journal_export import export_replies
from flows.journal_tools import (
    Choice,
    JournalLine,
    list_journal,
    prune_journal,
    size_journal,
)
from flows.journal_verify import Verified, verify_journal
from schemas.errors import InputError, RunError

_SECONDS = {"h": 3_600, "d": 86_400, "w": 604_800}
_SHOWN = 10  # faults shown to people
_SELECTORS = ("older_than", "model", "failures")
# The flags of an action. One that an action does not know could look like a selector and be none.
_FLAGS = {
    "list": (),
    "size": (),
    "verify": (),
    "export": ("out", "model", "dataset"),
    "prune": (*_SELECTORS, "yes"),
}
_EVERY_FLAG = ("out", "dataset", *_SELECTORS, "yes")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do one action and say what came of it.

    Raises:
        InputError: a flag is missing, malformed or of another action; there is no journal.
        RunError: the journal is damaged, or may not be pruned now.
    """
    _check_flags(arguments)
    answer = {"action": arguments.action, "path": str(arguments.home / FILE)}
    answer |= _ACTIONS[arguments.action](arguments)
    return answer


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    lines = list_journal(arguments.home)
    if not arguments.json:
        print(_table(lines) if lines else f"no replies in {arguments.home / FILE}")
    return {"lines": [asdict(line) for line in lines]}


def _size(arguments: argparse.Namespace) -> dict[str, Any]:
    size = size_journal(arguments.home)
    if not arguments.json:
        print(
            f"{size.replies:,} replies in {_bytes(size.file_bytes)} and a log of "
            f"{_bytes(size.wal_bytes)}: {_bytes(size.request_bytes)} requests, "
            f"{_bytes(size.body_bytes)} bodies, {size.mean_bytes:,.0f} bytes a reply"
        )
    return asdict(size)


def _verify(arguments: argparse.Namespace) -> dict[str, Any]:
    found = verify_journal(arguments.home)
    answer = {"ok": found.is_sound, **asdict(found)}
    if found.is_sound:
        if not arguments.json:
            print(f"{found.replies:,} replies: file, keys and checksums are as they were written")
        return answer
    if not arguments.json:
        _show_faults(found)
    path = arguments.home / FILE
    damage = [repr(line) for line in found.damage[:1]]
    faults = (
        f"{found.faulty:,} wrong keys or bodies in {found.replies:,} replies that could be read"
    )
    msg = (
        f"expected {path} as it was written, got {', '.join([*damage, faults])}: put a copy in its "
        "place, or move it away and pay for its replies again"
    )
    error = RunError(msg)
    error.summary = {"action": "verify", "path": str(path), **answer}
    raise error


def _export(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.out is None:
        msg = "expected a file to write, got none: say --out FILE.parquet"
        raise InputError(msg)
    choice = Choice(model=arguments.model, dataset=arguments.dataset)
    rows = export_replies(arguments.home, arguments.out, choice)
    size = arguments.out.stat().st_size
    if not arguments.json:
        print(f"{rows:,} rows written to {arguments.out} ({_bytes(size)})")
    return {"out": str(arguments.out), "rows": rows, "bytes": size}


def _prune(arguments: argparse.Namespace) -> dict[str, Any]:
    if all(getattr(arguments, name) in (None, False) for name in _SELECTORS):
        msg = (
            "expected to be told which replies to delete, got no selector: say --older-than 90d, "
            "--model NAME or --failures, or several of them"
        )
        raise InputError(msg)
    choice = Choice(
        model=arguments.model,
        older_than_seconds=_seconds(arguments.older_than),
        failures=arguments.failures,
    )
    done = prune_journal(arguments.home, choice, is_confirmed=arguments.yes)
    if not arguments.json:
        what = (
            f"{done.replies:,} replies ({_bytes(done.bytes)}, US$ {done.cost_usd:.4f} to pay for "
            "them again)"
        )
        if done.is_deleted:
            print(f"deleted {what}; the file is {_bytes(done.freed_bytes)} smaller")
        else:
            print(f"would delete {what}; nothing is deleted without --yes")
    return asdict(done)


_ACTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "list": _list,
    "size": _size,
    "verify": _verify,
    "export": _export,
    "prune": _prune,
}


def _check_flags(arguments: argparse.Namespace) -> None:
    known = _FLAGS[arguments.action]
    for name in _EVERY_FLAG:
        if getattr(arguments, name) not in (None, False) and name not in known:
            flags = ", ".join(_flag(other) for other in known) or "no flag"
            verb = f"journal {arguments.action}"
            msg = f"expected {flags} with `{verb}`, got {_flag(name)}: leave it out"
            raise InputError(msg)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _seconds(age: str | None) -> float | None:
    """Read an age such as `90d`."""
    if age is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([hdw])", age.strip())
    if found is None:
        msg = f"expected an age in hours, days or weeks (12h, 90d, 8w), got --older-than {age!r}"
        raise InputError(msg)
    return float(int(found[1]) * _SECONDS[found[2]])


def _show_faults(found: Verified) -> None:
    for line in found.damage[:_SHOWN]:
        print(f"file  {line}")
    for fault in found.faults[:_SHOWN]:
        print(f"{fault.key}  {fault.what}: expected {fault.expected}, got {fault.got}")
    if found.faulty > _SHOWN:
        print(f"... and {found.faulty - _SHOWN:,} more")


def _table(lines: Sequence[JournalLine]) -> str:
    head = (
        *("base_url", "model", "dataset", "replies", "failed", "prompt", "completion", "US$"),
        *("lost", "lost US$", "first", "last", "size"),
    )
    rows = [head, *(_cells(line) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _cells(line: JournalLine) -> tuple[str, ...]:
    names = tuple(name or "-" for name in (line.base_url, line.model, line.dataset))
    counts = (line.replies, line.failures, line.prompt_tokens, line.completion_tokens)
    dates = tuple(date[:10] if date else "-" for date in (line.first, line.last))
    money = (f"{line.cost_usd:.4f}", f"{line.losses:,}", f"{line.losses_usd:.4f}")
    return (*names, *(f"{count:,}" for count in counts), *money, *dates, _bytes(line.bytes))


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if abs(size) < 1_000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1_000
    return f"{size:,.1f} GB"
