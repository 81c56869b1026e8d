"""Reads the prompts of generators that work on a file of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flows.readers import Damage, Record, read_items
from flows.session import Session
from flows.store import hash_file
from quality.ids import content_id
from quality.text import is_placeholder_input, normalise_text
from schemas.records import GivenTask

_PROMPT_FIELDS = ("instruction", "prompt", "question", "query")


class PromptFile(Protocol):
    """Options that name a file of prompts and its licence."""

    @property
    def prompts(self) -> str:
        """The file."""

    @property
    def license(self) -> str | None:
        """Of the prompts."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to answer, and lines that are none.

    Attributes:
        tasks: the prompts, in the order of the file.
        unreadable: line number, rule, detail and raw text of each line that is no prompt.
        fingerprint: hash of the file, part of the stage key.
    """

    tasks: list[GivenTask]
    unreadable: list[tuple[int | None, str, str, str]]
    fingerprint: str


def read_prompts(session: Session, options: PromptFile) -> Prompts:
    """Read a prompts file.

    Raises:
        InputError: if it is missing or not readable at all.
    """
    path = session.resolve_path(options.prompts)
    tasks, unreadable = [], []
    for item in read_items(path):
        match item:
            case Damage():
                unreadable.append((item.line, item.rule, item.detail, item.raw))
            case Record():
                task = _read(item.value, options)
                if task is None:
                    raw = json.dumps(item.value, ensure_ascii=False, default=str)
                    detail = f"expected an object with one of {', '.join(_PROMPT_FIELDS)}"
                    unreadable.append((item.line, "missing_prompt", detail, raw))
                else:
                    tasks.append(task)
    return Prompts(tasks, unreadable, hash_file(path))


def _read(record: object, options: PromptFile) -> GivenTask | None:
    if not isinstance(record, Mapping):
        return None
    texts = [record.get(name) for name in _PROMPT_FIELDS]
    found = next((text for text in texts if isinstance(text, str) and text.strip()), None)
    if found is None:
        return None
    instruction = normalise_text(found)
    given = record.get("input")
    context = normalise_text(given) if isinstance(given, str) else ""
    if is_placeholder_input(context, instruction):
        context = ""
    raw = json.dumps(record, ensure_ascii=False, default=str)
    return GivenTask(
        id=prompt_id(instruction, context),
        instruction=instruction,
        input=context,
        license=options.license,
        raw=raw,
    )


def prompt_id(instruction: str, context: str | None) -> str:
    """Return the id of a prompt; an input that is missing is an empty one."""
    return content_id([{"role": "user", "content": f"{instruction}\n\n{context or ''}"}])
