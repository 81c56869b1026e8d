"""Reads benchmark files: the items that must not be in a dataset."""

import json
from collections.abc import Mapping

from flows.ingest import expand_paths
from flows.session import Session
from quality.decontaminate import BenchmarkItem
from schemas.errors import InputError
from schemas.recipe import DecontaminateOptions

_TEXT_FIELDS = ("question", "instruction", "prompt", "problem", "query", "text", "turns")


def load_benchmarks(session: Session, options: DecontaminateOptions) -> list[BenchmarkItem]:
    """Return the items of all JSONL benchmarks.

    Raises:
        InputError: if a file is missing or a line has no text field that is known.
    """
    items = []
    for pattern in options.against:
        for path in expand_paths(pattern, session.resolve_path("")):
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines):
                if line.strip():
                    text = _text_of(line, where=f"{path}, line {number + 1}")
                    items.append(BenchmarkItem(path.name, number, text))
    return items


def _text_of(line: str, *, where: str) -> str:
    """Return the question of one line."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, Mapping):
        for name in _TEXT_FIELDS:
            value = record.get(name)
            if isinstance(value, list):
                value = "\n".join(part for part in value if isinstance(part, str))
            if isinstance(value, str) and value.strip():
                return value
    msg = (
        f"expected an object with one of {', '.join(_TEXT_FIELDS)}, got {line[:60]!r} in {where}: "
        "correct it"
    )
    raise InputError(msg)
