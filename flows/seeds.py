"""Reads seed tasks."""

import json
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

from flows.session import Session
from schemas.errors import InputError
from schemas.recipe.generators.evol_instruct import EvolInstructOptions
from schemas.recipe.generators.self_instruct import SelfInstructOptions
from schemas.records import Seed

_FIELDS = ("id", "category", "language", "instruction", "input", "output", "topic")
_REQUIRED = ("instruction", "output")


def load_seeds(session: Session, options: SelfInstructOptions | EvolInstructOptions) -> list[Seed]:
    """Return the seed tasks in the recipe's languages.

    Args:
        session: the run.
        options: of the generator; `seeds` is `builtin` or a JSONL file.

    Raises:
        InputError: if a line is no seed task, or none fits the generator.
    """
    if options.seeds == "builtin":
        folder = files("flows.generators") / "seeds"
        texts = {
            str(item): item.read_text(encoding="utf-8")
            for item in sorted(folder.iterdir(), key=str)
            if item.name.endswith(".jsonl")
        }
    else:
        path = session.resolve_path(options.seeds)
        texts = {str(path): _read(path)}
    seeds = [seed for where, text in texts.items() for seed in _parse(text, where=where)]
    fitting = [seed for seed in seeds if seed.language in session.recipe.language]
    if not any(fits(seed, options.categories) for seed in fitting):
        known = ", ".join(sorted({seed.category for seed in seeds}))
        msg = (
            f"expected seed tasks in {list(session.recipe.language)!r} of categories "
            f"{options.categories!r}, got none of {len(seeds)}: categories are {known}"
        )
        raise InputError(msg)
    return fitting


def load_topics(languages: Collection[str]) -> list[str]:
    """Return the built-in topics of the recipe's languages."""
    return [topic for group in load_topic_groups(languages).values() for topic in group]


def load_topic_groups(languages: Collection[str]) -> dict[str, list[str]]:
    """Return them by heading: lines that begin with `# ` in their files."""
    folder = files("flows.generators") / "topics"
    found = [folder / f"{language}.txt" for language in languages]
    texts = [item.read_text(encoding="utf-8") for item in found if item.is_file()]
    groups: dict[str, list[str]] = {}
    heading = ""
    for line in (line for text in texts for line in text.splitlines() if line):
        if line.startswith("# "):
            heading = line.removeprefix("# ")
        else:
            groups.setdefault(heading, []).append(line)
    return groups


def fits(seed: Seed, categories: Collection[str] | None) -> bool:
    """Tell whether a seed is of one of `categories`; null stands for all."""
    return categories is None or seed.category in categories


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"expected a readable JSONL file of seed tasks, got {error} for {path}: correct it"
        raise InputError(msg) from error


def _parse(text: str, *, where: str) -> list[Seed]:
    seeds = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not all(record.get(name) for name in _REQUIRED):
            msg = (
                f"expected an object with {' and '.join(_REQUIRED)}, got {line[:60]!r} in "
                f"{where}, line {number}: correct it"
            )
            raise InputError(msg)
        defaults = {"id": f"seed-{number}", "category": "other", "language": "en", "input": ""}
        values = {name: str(record.get(name) or defaults.get(name, "")) for name in _FIELDS}
        seeds.append(Seed(**values))
    return seeds
