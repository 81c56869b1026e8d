"""Reads prompts for generators: one file or many pools, in any known form."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from flows.ingest import expand_paths
from flows.readers import Damage, Item, Record, read_items
from flows.readers.items import visible_text
from flows.readers.opened import open_source
from flows.session import Session
from flows.store import hash_file, hash_json
from quality.formats.parse import FormatError
from quality.formats.turns import is_turn_list, parse_turns
from quality.ids import content_id
from quality.text import is_placeholder_input, normalise_text
from schemas.records import GivenTask

_PROMPT_FIELDS: Final = ("instruction", "prompt", "question", "query")
_CONVERSATIONS: Final = ("messages", "conversations", "prompt")
_TEXT_SUFFIXES: Final = (".txt", ".text")
_MAGIC: Final = frozenset("*?[")


class Unreadable(NamedTuple):
    """What is no prompt.

    Attributes:
        line: number of the line, 1-based; None where the file has no lines.
        rule: snake_case name of the reason.
        detail: the reason in one line.
        raw: the text as it came.
        file: as the recipe would name it.
    """

    line: int | None
    rule: str
    detail: str
    raw: str
    file: str


class PromptFile(Protocol):
    """Options that name files of prompts and their licence."""

    @property
    def prompts(self) -> str | Sequence[str]:
        """The files."""

    @property
    def license(self) -> str | None:
        """Of the prompts."""


class NamedPrompts(NamedTuple):
    """The same by themselves, for options that have more than one kind of material."""

    prompts: str
    license: str | None


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to answer, and lines that are none.

    Attributes:
        tasks: the prompts, in the order of the files.
        unreadable: what is no prompt.
        fingerprint: hash of the files, part of the stage key.
    """

    tasks: list[GivenTask]
    unreadable: list[Unreadable]
    fingerprint: str


def read_prompts(session: Session, options: PromptFile) -> Prompts:
    """Read files of prompts.

    Raises:
        InputError: if one is missing or not readable at all.
    """
    base = session.resolve_path("")
    paths = _find(options.prompts, base)
    shown = [
        os.path.relpath(path, base) if path.is_relative_to(base) else str(path) for path in paths
    ]
    arms = _name_pools(paths, shown)
    tasks: list[GivenTask] = []
    unreadable: list[Unreadable] = []
    for path, file, arm in zip(paths, shown, arms, strict=True):
        for item in _read_file(path):
            found = _read(item, options.license, arm, file)
            if isinstance(found, GivenTask):
                tasks.append(found)
            else:
                unreadable.append(found)
    hashes = [hash_file(path) for path in paths]
    whole = hashes[0] if len(paths) == 1 else hash_json(list(zip(arms, hashes, strict=True)))
    return Prompts(tasks, unreadable, whole)


def _find(patterns: str | Sequence[str], base: Path) -> list[Path]:
    """The files that patterns name, each once; a plain path need not exist yet to be named."""
    named = (patterns,) if isinstance(patterns, str) else patterns
    found: dict[Path, None] = {}
    for pattern in named:
        is_plain = not _MAGIC & set(pattern)
        found.update(dict.fromkeys([base / pattern] if is_plain else expand_paths(pattern, base)))
    return list(found)


def _name_pools(paths: Sequence[Path], shown: Sequence[str]) -> list[str]:
    """Name each of several files: by its name, or by its path where two share that."""
    if len(paths) == 1:
        return [""]
    counts = Counter(path.name for path in paths)
    return [
        path.name if counts[path.name] == 1 else file
        for path, file in zip(paths, shown, strict=True)
    ]


def _read_file(path: Path) -> Iterator[Item]:
    if path.suffix.lower() in _TEXT_SUFFIXES:
        yield from _read_text(path)
    else:
        yield from read_items(path)


def _read_text(path: Path) -> Iterator[Item]:
    """Yield every line that is not blank as one prompt."""
    with open_source(path) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                detail = f"expected UTF-8, got {error.reason} at byte {error.start + 1} of the line"
                yield Damage(number, "bad_encoding", detail, visible_text(line).strip())
                continue
            if text:
                yield Record(number, text)


def _read(item: Item, terms: str | None, arm: str, file: str) -> GivenTask | Unreadable:
    if isinstance(item, Damage):
        return Unreadable(item.line, item.rule, item.detail, item.raw, file)
    raw = json.dumps(item.value, ensure_ascii=False, default=str)
    instruction, given = _texts(item.value)
    if not instruction:
        detail = f"expected an object with one of {', '.join(_PROMPT_FIELDS)}"
        return Unreadable(item.line, "missing_prompt", detail, raw, file)
    context = "" if is_placeholder_input(given, instruction) else given
    return GivenTask(
        id=prompt_id(instruction, context),
        instruction=instruction,
        input=context,
        license=terms,
        raw=raw,
        arm=arm,
    )


def _texts(record: object) -> tuple[str, str]:
    """The prompt of a record and its input; "" and "" where it has none."""
    if isinstance(record, str):
        return normalise_text(record), ""
    if not isinstance(record, Mapping):
        return "", ""
    texts = (record.get(name) for name in _PROMPT_FIELDS)
    found = next((text for text in texts if isinstance(text, str) and text.strip()), None)
    if found is None:
        return _first_question(record), ""
    given = record.get("input")
    return normalise_text(found), normalise_text(given) if isinstance(given, str) else ""


def _first_question(record: Mapping[str, object]) -> str:
    """The first user turn of a conversation, "" where there is none that can be read."""
    value = next((record[name] for name in _CONVERSATIONS if is_turn_list(record.get(name))), None)
    try:
        turns = [] if value is None else parse_turns(value, field="messages")
    except FormatError:
        return ""
    return next((turn["content"] for turn in turns if turn["role"] == "user"), "")


def prompt_id(instruction: str, context: str | None) -> str:
    """Return the id of a prompt; an input that is missing is an empty one."""
    return content_id([{"role": "user", "content": f"{instruction}\n\n{context or ''}"}])
