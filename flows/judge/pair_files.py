"""Reads files with two answers to a task: `chosen` and `rejected`, `answer_a` and `answer_b`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.ingest import HUB_PREFIX, expand_paths
from flows.judge.comparing import Pair
from flows.readers import Damage, Item, read_items
from flows.store import hash_json
from quality.formats import FormatError
from quality.formats.turns import is_turn_list, parse_turns
from quality.text import normalise_text
from schemas.errors import InputError

_PROMPTS = ("instruction", "prompt", "question", "query")
_ANSWERS = (("chosen", "rejected"), ("answer_a", "answer_b"))


@dataclass(frozen=True, slots=True)
class PairLine:
    """One record of a file.

    Attributes:
        file: as the user named it.
        row: 0-based position in the file.
        pair: what it holds; null where it is no pair. Equal pairs have the same id.
        why: why it is none, "" where it is one.
    """

    file: str
    row: int
    pair: Pair | None
    why: str = ""


def read_pairs(inputs: Sequence[str], base: Path) -> list[PairLine]:
    """Read files of pairs.

    Args:
        inputs: files and globs.
        base: directory that relative ones start from.

    Returns:
        A line for every record, in the order of the files.

    Raises:
        InputError: if a file is missing or cannot be read at all, or none of them holds a pair.
    """
    lines = [
        _read(str(path), row, item)
        for pattern in inputs
        for path in _paths(pattern, base)
        for row, item in enumerate(read_items(path))
    ]
    if not any(line.pair for line in lines):
        why = lines[0].why if lines else "no record"
        msg = (
            "expected records with a prompt and `chosen` and `rejected`, or `answer_a` and "
            f"`answer_b`, got none in {', '.join(inputs)} ({why}): name another file, or leave "
            "--pairs out to rate single answers"
        )
        raise InputError(msg)
    return lines


def _paths(pattern: str, base: Path) -> list[Path]:
    if pattern.startswith(HUB_PREFIX):
        msg = f"expected files beside --pairs, got {pattern!r}: download it and name its files"
        raise InputError(msg)
    return expand_paths(pattern, base)


def _read(file: str, row: int, item: Item) -> PairLine:
    if isinstance(item, Damage):
        return PairLine(file, row, None, item.detail)
    try:
        return PairLine(file, row, _pair(item.value))
    except FormatError as error:
        return PairLine(file, row, None, error.detail)


def _pair(value: object) -> Pair:
    """Return the pair of a record.

    Raises:
        FormatError: if it holds none.
    """
    record = value if isinstance(value, Mapping) else {}
    names = next(
        (two for two in _ANSWERS if all(record.get(name) is not None for name in two)), None
    )
    if names is None:
        msg = f"no two answers in {json.dumps(value, ensure_ascii=False, default=str)[:80]}"
        raise FormatError(msg, rule="missing_output")
    prompt = next((record[name] for name in _PROMPTS if record.get(name)), record[names[0]])
    instruction = _text(prompt, role="user", field="prompt")
    a, b = (_text(record[name], role="assistant", field=name) for name in names)
    given = _text(record.get("input") or "", role="user", field="input")
    reference = _text(record.get("reference") or "", role="assistant", field="reference")
    name = hash_json([instruction, given, a, b, reference])[:32]
    return Pair(name, instruction, given, a, b, reference or None)


def _text(value: object, *, role: str, field: str) -> str:
    """Return a text, or what one side says in a conversation."""
    if isinstance(value, str):
        return normalise_text(value)
    if not is_turn_list(value):
        msg = f"expected a text or a conversation in {field!r}, got {type(value).__name__}"
        raise FormatError(msg, rule="not_text")
    turns = parse_turns(value, field=field)
    found = "\n\n".join(turn["content"] for turn in turns if turn["role"] == role)
    if not found:
        msg = f"expected a turn of the {role} in {field!r}, got none"
        raise FormatError(msg, rule="missing_text")
    return found
