"""What may be deleted: old versions nobody refers to, and stages that no run can use again."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flows.disk import user_disk_errors
from flows.history.snapshot import read_recipe
from flows.journal_tools import require_alone
from flows.owners import Owner
from flows.store import code_version, hash_file
from flows.versions import Semver, list_versions
from schemas.errors import InputError

# What a home keeps so as not to make it again, beside stages.
_WORK: Final = ("past", "dedup", "downloads")


@dataclass(frozen=True, slots=True)
class Item:
    """A directory that may be deleted, or stays.

    Attributes:
        kind: version, stage or work.
        path: the directory.
        name: for people.
        bytes: of its files.
        reason: why it goes or stays.
    """

    kind: str
    path: Path
    name: str
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go and what stays of what was looked at."""

    doomed: tuple[Item, ...]
    kept: tuple[Item, ...]


def plan_versions(folder: Path, keep: int, *, home: Path, with_pushed: bool) -> Plan:
    """Divide the versions of a dataset.

    Args:
        folder: of the dataset, or of one of its versions.
        keep: how many of the newest stay, at least one.
        home: knows what was pushed.
        with_pushed: whether versions that are on the Hub may go, too.

    Raises:
        InputError: if there are no versions.
    """
    folder = _dataset_folder(folder)
    numbers = list_versions(folder)
    newest = numbers[-max(keep, 1) :]
    used = dict(_used_versions(folder))
    pushed = set() if with_pushed else _pushed(home)
    doomed: list[Item] = []
    kept: list[Item] = []
    for number in numbers:
        path = folder / str(number)
        reason = _stays(path, number, newest, used, pushed=pushed)
        name, size = f"{folder.name} {number}", _size(path)
        place = doomed if reason is None else kept
        place.append(Item("version", path, name, size, reason or f"older than the newest {keep}"))
    return Plan(tuple(doomed), tuple(kept))


def plan_stages(home: Path) -> Plan:
    """Divide what the home keeps: stages of other code go, their keys can never come again.

    What was worked out from earlier versions goes whole: it is made again when it is needed.
    """
    doomed: list[Item] = []
    kept: list[Item] = []
    for path in sorted((home / "stages").glob("*/*/")):
        item = _stage(path)
        (kept if item.reason.startswith("can be used") else doomed).append(item)
    for name in _WORK:
        path = home / name
        if path.is_dir() and any(path.iterdir()):
            what = "made or fetched again when it is needed"
            doomed.append(Item("work", path, f"{name} of the home", _size(path), what))
    return Plan(tuple(doomed), tuple(kept))


def delete(plan: Plan, *, home: Path) -> int:
    """Delete what is doomed and return the bytes that this freed.

    A version is renamed first, so that it is there whole or not at all.

    Raises:
        InputError: if a directory may not be written.
        RunError: if another process uses the home.
    """
    if not home.is_dir():  # versions alone; nobody can be at work in a home that is not there
        return sum(map(_delete, plan.doomed))
    with Owner(home) as me:
        require_alone(home, me.id)
        return sum(map(_delete, plan.doomed))


def _delete(item: Item) -> int:
    with user_disk_errors(item.path):
        aside = item.path.with_name(f".pruned-{item.path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        item.path.rename(aside)
        shutil.rmtree(aside)
    return item.bytes


def _dataset_folder(folder: Path) -> Path:
    for place in (folder, folder.parent):
        if list_versions(place):
            return place
    msg = (
        f"expected the directory of a dataset with its versions, got none in {folder}: give one, "
        "such as published/alpaca"
    )
    raise InputError(msg)


def _stays(
    path: Path,
    number: Semver,
    newest: list[Semver],
    used: Mapping[tuple[str, str], str],
    *,
    pushed: set[str],
) -> str | None:
    """Say why a version stays; None: it may go."""
    if number in newest:
        return "one of the newest"
    user = used.get((path.parent.name, str(number)))
    if user is not None:
        return f"{user} is deduplicated against it"
    if hash_file(path / "manifest.json") in pushed:
        return "on the Hub; --pushed deletes it here"
    return None


def _used_versions(folder: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield versions that a recipe beside names in `dedup.against`, and who does."""
    for recipe in sorted(folder.resolve().parent.glob("*/*/recipe.yaml")):
        dedup = read_recipe(recipe.parent).get("dedup")
        named = dedup.get("against") if isinstance(dedup, dict) else None
        for name in named if isinstance(named, list) else []:
            parts = Path(str(name)).parts
            user = f"{recipe.parent.parent.name} {recipe.parent.name}"
            # The file of a version, its directory, and the directory above all end alike.
            for place in range(len(parts) - 1):
                yield (parts[place], parts[place + 1]), user


def _pushed(home: Path) -> set[str]:
    """Return hashes of the manifests of versions that this home pushed."""
    found: set[str] = set()
    for path in (home / "hub").glob("*.json"):
        try:
            record: Any = json.loads(path.read_text(encoding="utf-8"))
            found |= {str(line["manifest_sha256"]) for line in record["versions"].values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            msg = (
                f"expected the record of earlier pushes, got {str(error)[:80]!r} in {path}: "
                "restore it, or say --pushed if versions on the Hub may go here"
            )
            raise InputError(msg) from error
    return found


def _stage(path: Path) -> Item:
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        is_current = manifest["code_version"] == code_version() and manifest["reusable"]
    except (OSError, ValueError, KeyError, TypeError):
        is_current = False
    reason = "can be used again" if is_current else "of other code, or unfinished"
    return Item("stage", path, f"stage {path.parent.name}/{path.name}", _size(path), reason)


def _size(folder: Path) -> int:
    return sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())
