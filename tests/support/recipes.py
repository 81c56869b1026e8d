"""Recipes and data that the tests write."""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.fake_teacher import _answer_text, _tasks

#: No model is loaded: the semantic method has tests of its own.
NO_MODEL: dict[str, Any] = {"dedup": {"semantic": None}}


def good_records(count: int, *, seed: int = 0) -> list[dict[str, str]]:
    """Records that pass every default rule and are no duplicates of each other."""
    rng = random.Random(seed)
    tasks: dict[str, None] = {}
    while len(tasks) < count:
        tasks.update(dict.fromkeys(_tasks(rng, 1)))
    return [{"instruction": task, "input": "", "output": _answer_text(task, rng)} for task in tasks]


def write_jsonl(path: Path, records: Iterable[object]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_recipe(path: Path, *, name: str = "set", **fields: Any) -> Path:
    """Write a recipe."""
    text = yaml.safe_dump({"name": name, **NO_MODEL, **fields}, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def read_tree(folder: Path) -> Mapping[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
